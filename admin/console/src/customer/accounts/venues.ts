// The venues that the shipped dialects speak, and how their accounts are reached. The service has the last word: another name is tried, too.
export interface VenueKind {
  id: string;
  name: string;
  environments: ("testnet" | "demo" | "live")[];
  /** Kinds of markets, the venue's own first, where it has several: an account is of one; the same key serves for all. */
  categories?: { id: string; label: string; about: string }[];
  about: string;
}

export const VENUES: readonly VenueKind[] = [
  { id: "bybit", name: "Bybit", environments: ["testnet", "demo", "live"], about: "USDT perpetuals and spot", categories: [
    { id: "linear", label: "Perpetuals (USDT)", about: "Long and short, with leverage and funding." },
    { id: "spot", label: "Spot", about: "Coins bought and sold for what is there: no leverage, no short." },
  ] },
  { id: "luno", name: "Luno", environments: ["live"], about: "Spot" },
];

/** Venues whose terminal comes by itself: an expert in MetaTrader that asks for commands. */
export const TERMINALS: readonly VenueKind[] = [
  { id: "mt5-ea", name: "MetaTrader 5", environments: ["demo", "live"], about: "Your own terminal, by an expert" },
  { id: "mt4-ea", name: "MetaTrader 4", environments: ["demo", "live"], about: "Your own terminal, by an expert" },
];
export const isTerminal = (venue: string): boolean => TERMINALS.some((t) => t.id === venue);

export const ENVIRONMENTS: Record<string, { label: string; about: string }> = {
  testnet: { label: "Testnet", about: "The venue's test network: nothing of value moves." },
  demo: { label: "Demo", about: "The venue's demo trading: live prices, play money." },
  live: { label: "Live", about: "Real money. Orders are executed and cannot be taken back." },
};

export const nameOfVenue = (id: string): string => (id === "paper" ? "Paper" : ([...VENUES, ...TERMINALS].find((v) => v.id === id)?.name ?? id));

/** Where an account's orders go, in words: the venue and, where it has several kinds of markets, which. */
export function placeOf(a: { venue: string; settings?: { category?: string } | null }): string {
  const kinds = VENUES.find((v) => v.id === a.venue)?.categories;
  const kind = kinds?.find((k) => k.id === a.settings?.category) ?? kinds?.[0];
  return kind ? `${nameOfVenue(a.venue)}, ${kind.label}` : nameOfVenue(a.venue);
}
