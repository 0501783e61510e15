/* What Lit sees as the global object: nothing but Trusted Types, where the host page wants them.
 *
 * Lit's version lands here and not on the host page's window.
 */
export const scope = { trustedTypes: window.trustedTypes };
