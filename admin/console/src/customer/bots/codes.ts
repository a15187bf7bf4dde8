// Reasons of denials and endings in plain words: those of the strategy reference (lua/reference.json), so that they are written once.
import { reasons } from "../../../../../lua/reference.json";

export const CODES: Readonly<Record<string, string>> = Object.fromEntries(reasons.map((r) => [r.name, r.about]));
