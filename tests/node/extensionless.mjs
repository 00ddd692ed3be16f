// AppAuth-JS is published for bundlers: its modules import each other without ".js".
export async function resolve(specifier, context, next) {
  const isBare = specifier.startsWith(".") && !specifier.endsWith(".js");
  return next(isBare && context.parentURL?.includes("@openid/appauth") ? await sibling(specifier, context) : specifier, context);
}

async function sibling(specifier, context) {
  const { existsSync } = await import("node:fs");
  return existsSync(new URL(`${specifier}.js`, context.parentURL)) ? `${specifier}.js` : `${specifier}/index.js`;
}
