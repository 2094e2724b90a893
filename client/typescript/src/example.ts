// Asks whether a credential may do something: what a service does with each request that it gets.
import { gatehouse, GatehouseError } from "./index.js";

declare const process: { env: Record<string, string | undefined> };
const env = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
};

const api = gatehouse({ baseUrl: env("GATEHOUSE_URL"), credential: env("GATEHOUSE_KEY") });

const { data: decision } = await api.POST("/v1/verify", {
  body: { credential: env("CREDENTIAL"), permission: "issues:write", project: "PRJ-1" },
});
console.log(`${decision?.code}: ${decision?.subject?.type}, by ${decision?.credential?.scheme}`);

const { data: schemes } = await api.GET("/v1/schemes");
console.log(`${schemes?.items.length} schemes`);

try {
  await gatehouse({ baseUrl: env("GATEHOUSE_URL"), credential: "gate_wrong" }).GET("/v1/self");
} catch (failure) {
  if (!(failure instanceof GatehouseError)) throw failure;
  console.log(`${failure.status} ${failure.code}`);
}
