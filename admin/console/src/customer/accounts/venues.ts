// The venues that the shipped dialects speak, and how their accounts are reached. The service has the last word: another name is tried, too.
export interface VenueKind {
  id: string;
  name: string;
  environments: ("testnet" | "demo" | "live")[];
  about: string;
}

export const VENUES: readonly VenueKind[] = [
  { id: "bybit", name: "Bybit", environments: ["testnet", "demo", "live"], about: "USDT perpetuals and spot" },
  { id: "luno", name: "Luno", environments: ["live"], about: "Spot" },
];

export const ENVIRONMENTS: Record<string, { label: string; about: string }> = {
  testnet: { label: "Testnet", about: "The venue's test network: nothing of value moves." },
  demo: { label: "Demo", about: "The venue's demo trading: live prices, play money." },
  live: { label: "Live", about: "Real money. Orders are executed and cannot be taken back." },
};

export const nameOfVenue = (id: string): string => (id === "paper" ? "Paper" : (VENUES.find((v) => v.id === id)?.name ?? id));
