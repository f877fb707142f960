/** A plugin of the build: the page names at once what it will need, instead of its code as it gets there. */
import type { HtmlTagDescriptor, Plugin } from "vite";

/** What nearly every page is made of; it does not belong to the shell, and is fetched beside it. */
export const PARTS = "parts";
const FONT = /atkinson-hyperlegible-next-latin-wght-normal.*\.woff2$/;

function link(attrs: Record<string, string | boolean>): HtmlTagDescriptor {
  return { tag: "link", attrs: { crossorigin: true, ...attrs }, injectTo: "head" };
}

export function hints(): Plugin {
  return {
    name: "hints",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle = {} }) => {
        const parts = Object.values(bundle).find((each) => each.type === "chunk" && each.name === PARTS);
        const font = Object.keys(bundle).find((name) => FONT.test(name));
        if (!parts || !font) throw new Error("The build has other files than its page should name.");
        return [
          link({ rel: "modulepreload", href: `/${parts.fileName}` }),
          link({ rel: "preload", as: "font", type: "font/woff2", href: `/${font}` }),
        ];
      },
    },
  };
}
