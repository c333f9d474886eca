/** The speaker against a real BIRD 2. */
import { BIRD } from "./interop/bird.ts";
import { interopSuite } from "./interop/suite.ts";

interopSuite(BIRD);
