// Strict type-checked rules for everything; on top of them "time is a parameter": clocks, timers and chance are
// reached only in the rooms that stand at the edge.
import eslint from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const CLOCKS_AND_CHANCE = ["Date", "performance", "setTimeout", "setInterval", "setImmediate", "process", "fetch"];
const AT_THE_EDGE = ["src/time/**", "src/linux/**", "src/kube/**", "src/cli/**", "src/liveness/**", "src/thread/**", "src/*/thread.ts", "src/*.ts"];

export default defineConfig(
  { ignores: ["dist/", "node_modules/", ".cache/", "debian/"] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["eslint.config.js", "dependency-cruiser.config.mjs"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["describe", "it", "test", "suite"] }] },
      ],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: AT_THE_EDGE,
    rules: {
      "no-restricted-globals": ["error", ...CLOCKS_AND_CHANCE],
      "no-restricted-properties": ["error", { object: "Math", property: "random", message: "Chance is a parameter: take a Random." }],
    },
  },
);
