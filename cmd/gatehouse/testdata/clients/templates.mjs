// Reads templates of CI platforms and says what their platforms have against them: GitHub's own parser of workflows,
// the schema of GitLab as gitlab-ci-local has it, and CircleCI's parser of configurations. What is YAML is returned as JSON.
import { register } from "node:module";
import { text } from "node:stream/consumers";
import Ajv from "ajv";
import { parseDocument } from "yaml";

// The parser of workflows imports JSON without saying so.
register(
  "data:text/javascript," +
    encodeURIComponent(`import { readFile } from "node:fs/promises";
export async function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  return { format: "module", shortCircuit: true, source: "export default " + (await readFile(new URL(url), "utf8")) };
}`),
);
const { NoOperationTraceWriter, parseWorkflow } = await import("@actions/workflow-parser");
const { default: circleci } = await import("@circleci/circleci-config-parser");
const { schema: gitlab } = await import("gitlab-ci-local/src/schema/schema.js");

const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
const validGitLab = ajv.compile(gitlab);

const checks = {
  github: (content) => parseWorkflow({ name: "workflow.yml", content }, new NoOperationTraceWriter()).context.errors.getErrors().map((e) => e.message),
  gitlab: (_, parsed) => (validGitLab(parsed) ? [] : validGitLab.errors.map((e) => `${e.instancePath} ${e.message}`)),
  circleci: (content) => {
    try {
      circleci.parseConfig(content);
      return [];
    } catch (error) {
      return [String(error)];
    }
  },
  azure: () => [], // which has published no schema that can be fetched
};

const out = {};
for (const { name, platform, content } of JSON.parse(await text(process.stdin))) {
  const document = parseDocument(content, { uniqueKeys: true });
  const parsed = document.toJS();
  const errors = document.errors.length > 0 ? document.errors.map(String) : checks[platform](content, parsed);
  out[name] = { errors, parsed };
}
console.log(JSON.stringify(out));
