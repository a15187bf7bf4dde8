// ea/lease.c – see lease.h.
#include "ea/lease.h"

const char *ea_lease_text(enum ea_lease_state s) {
  static const char *const texts[] = {
#define X(name, text) text,
    EA_LEASE_STATE_LIST(X)
#undef X
  };
  return texts[s];
}

bool ea_lease_over(enum ea_lease_state s) { return s != EA_LEASE_QUEUED && s != EA_LEASE_LEASED; }

#define TO(s) {EA_MOVE, EA_LEASE_##s}
#define STAY {EA_STAY, EA_LEASE_STATE_COUNT}
#define ODD {EA_ODD, EA_LEASE_STATE_COUNT}

static const struct { uint8_t kind, to; } table[EA_LEASE_STATE_COUNT][EA_EV_COUNT] = {
  //                    HAND         KEEP         DONE      REFUSED      MISSED       UNSURE      LATE
  // Who answers what was never handed out answers something else.
  [EA_LEASE_QUEUED] =  {TO(LEASED),  ODD,         ODD,      ODD,         ODD,         ODD,        TO(DROPPED)},
  [EA_LEASE_LEASED] =  {ODD,         TO(DROPPED), TO(DONE), TO(REFUSED), TO(REFUSED), TO(LAPSED), TO(LAPSED)},
  [EA_LEASE_DONE] =    {ODD,         ODD,         STAY,     ODD,         ODD,         STAY,       STAY},
  [EA_LEASE_REFUSED] = {ODD,         ODD,         ODD,      STAY,        STAY,        STAY,       STAY},
  [EA_LEASE_LAPSED] =  {ODD,         ODD,         TO(DONE), TO(REFUSED), TO(REFUSED), STAY,       STAY},
  [EA_LEASE_DROPPED] = {ODD,         STAY,        ODD,      ODD,         ODD,         ODD,        STAY},
};

enum ea_lease_kind ea_lease_next(enum ea_lease_state from, enum ea_lease_event event, enum ea_lease_state *ret_to) {
  const enum ea_lease_kind kind = (enum ea_lease_kind)table[from][event].kind;
  *ret_to = kind == EA_MOVE ? (enum ea_lease_state)table[from][event].to : from;
  return kind;
}
