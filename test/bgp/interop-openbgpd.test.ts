/** The speaker against a real OpenBGPD. */
import { OPENBGPD } from "./interop/openbgpd.ts";
import { interopSuite } from "./interop/suite.ts";

interopSuite(OPENBGPD);
