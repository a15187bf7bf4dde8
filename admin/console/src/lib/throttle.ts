// Calls that come often, done at most once in so many milliseconds: the first at once, the last never lost. Ends with the component.
import { onCleanup } from "solid-js";

export function throttled(what: () => void, ms: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined, last = 0;
  onCleanup(() => clearTimeout(timer));
  return () => {
    if (timer !== undefined) return;
    const wait = Math.max(0, last + ms - Date.now());
    timer = setTimeout(() => {
      timer = undefined;
      last = Date.now();
      what();
    }, wait);
  };
}

/** Again and again while the page is seen. */
export function every(ms: number, what: () => void): void {
  const timer = setInterval(() => document.hidden || what(), ms);
  onCleanup(() => clearInterval(timer));
}
