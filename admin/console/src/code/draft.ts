// What is typed survives a closed tab; it is this browser's, and goes when it is saved.
const draftKey = (id: string): string => `perigee.draft.${id}`;
export function draftOf(id: string): { version: number; source: string } | null {
  try {
    const d = JSON.parse(localStorage.getItem(draftKey(id)) ?? "null") as { version?: unknown; source?: unknown } | null;
    return d && typeof d.source === "string" && typeof d.version === "number" ? { version: d.version, source: d.source } : null;
  } catch {
    return null;
  }
}
export function keepDraft(id: string, draft: { version: number; source: string } | null): void {
  try {
    if (draft) localStorage.setItem(draftKey(id), JSON.stringify(draft));
    else localStorage.removeItem(draftKey(id));
  } catch {
    // without storage it lasts as long as the page
  }
}
