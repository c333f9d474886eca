/** The speaker against a real GoBGP. */
import { GOBGP } from "./interop/gobgp.ts";
import { interopSuite } from "./interop/suite.ts";

interopSuite(GOBGP);
