import type { Mechanism } from "./mechanism.ts";

/** SASL/PLAIN (RFC 4616): user and password as they are. */
export function plain(username: string, password: string): Mechanism {
  return {
    name: "PLAIN",
    who: `user ${username}`,
    remedy: () => "check sasl.username and sasl.password",
    begin: async () => ({
      first: Buffer.from(`\0${username}\0${password}`),
      next: async () => null,
    }),
  };
}
