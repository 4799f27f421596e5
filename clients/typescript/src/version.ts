/** Of this package, as package.json says. */
export const SDK_VERSION = "0.1.0";
