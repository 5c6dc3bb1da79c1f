// An OpenID provider for tests: oidc-provider on the loopback address, with clients whose tokens look like those of
// Keycloak and of Entra. It reads commands from standard input and answers each with a line: "rotate" signs with a new
// key and still publishes the old one; "withdraw" publishes the newest key only.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { default: Provider } = await import(pathToFileURL(`${process.argv[2]}/oidc-provider/lib/index.js`).href);

const CLAIMS = {
  keycloak: {
    realm_access: { roles: ["default-roles-fund", "offline_access", "fund-officer"] },
    resource_access: { account: { roles: ["view-profile"] } },
    schemes: ["employee"],
  },
  entra: { roles: ["Certify.Audit"], ver: "2.0", tid: "8f0b8a1e-2f0e-4c0e-9d51-1b2f5a0c3e77" },
  eternal: { realm_access: { roles: ["fund-officer"] }, schemes: ["employee"] },
};
const LIFETIME = { keycloak: 3600, entra: 3600, eternal: 365 * 24 * 3600 };

let made = 0;
function newKeys() {
  made += 1;
  const pair = (type, options, alg) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
    alg,
    use: "sig",
    kid: `${alg}-${made}`,
  });
  return [pair("ec", { namedCurve: "P-256" }, "ES256"), pair("rsa", { modulusLength: 2048 }, "RS256")];
}

let keys = newKeys();
let handle;
const server = createServer((request, response) => handle(request, response));
server.listen(0, "127.0.0.1", () => {
  serve();
  console.log(`http://127.0.0.1:${server.address().port}`);
});

function serve() {
  const provider = new Provider(`http://127.0.0.1:${server.address().port}`, {
    clients: Object.keys(CLAIMS).map((id) => ({
      client_id: id,
      client_secret: "not-a-secret",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    })),
    jwks: { keys },
    extraTokenClaims: (_ctx, token) => CLAIMS[token.clientId],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:certify",
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, _resource, client) => ({
          scope: "",
          audience: client.clientId === "entra" ? "api://certify" : "certify",
          accessTokenTTL: LIFETIME[client.clientId],
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: client.clientId === "entra" ? "RS256" : "ES256" } },
        }),
      },
    },
  });
  handle = provider.callback();
}

createInterface({ input: process.stdin }).on("line", (command) => {
  keys = command === "rotate" ? [...newKeys(), ...keys] : keys.slice(0, 2);
  serve();
  console.log(command);
});
