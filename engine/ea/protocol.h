// ea/protocol.h – who speaks, and in which order: what a terminal (an expert adviser of MT4 or MT5) signs, and the number that each of its
// requests has. Pure; what is said is ea/message.h's. The whole protocol for who writes another one: examples/metatrader/README.md.
//
// A request carries its number and the HMAC-SHA256, keyed with the characters of the account's secret, over
//
//     METHOD LF PATH LF NUMBER LF BODY
//
// PATH as it was sent, from the first slash, without a query. Numbers rise and are used once: what was taken down on the way and is sent
// again, or comes late behind another, is refused. An answer is signed likewise, with "ANSWER" and the request's number, so that commands of
// another answer, or of nobody, are not carried out.
//
// The last number is not written with each request: so many are reserved ahead, and a process that was killed goes on behind all
// that may have been used (the terminal is told where).
#pragma once
#include "crypto/hmac.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EA_PROTOCOL 1
#define EA_BODY_MAX (256 * 1024)
#define EA_SECRET_SIZE 64           // NUL included
#define EA_SIGNATURE_SIZE (2 * HMAC_SHA256_BYTES + 1)
#define EA_NUMBER_MAX (UINT64_C(1) << 53)  // what every language keeps exactly
#define EA_RESERVE 1000

#define EA_FIELD_NUMBER "x-perigee-sequence"
#define EA_FIELD_SIGNATURE "x-perigee-signature"

// Lower-case hex.
enum status ea_sign(const char *secret, const char *method, const char *path, size_t path_len, uint64_t number, const void *body, size_t len,
  char ret[EA_SIGNATURE_SIZE], struct err *err) MUST_CHECK;
// Is it that? Takes the same time wherever it differs.
bool ea_signature_fits(const char right[EA_SIGNATURE_SIZE], const char *given);

// 1 … EA_NUMBER_MAX, digits only, no zeros in front.
bool ea_number_parse(const char *text, uint64_t *ret);

struct ea_numbers {
  uint64_t last;      // the greatest that was taken
  uint64_t reserved;  // on the disk: none up to it is taken after a restart
};
void ea_numbers_init(struct ea_numbers *n, uint64_t reserved);
enum ea_number {
  EA_NUMBER_TAKEN,    // it is new
  EA_NUMBER_RESERVE,  // it is new, and ea_numbers_ahead() must be on the disk before anything follows from it
  EA_NUMBER_OLD,      // used, or overtaken
};
// Moves on, but for OLD.
enum ea_number ea_number_take(struct ea_numbers *n, uint64_t number);
uint64_t ea_numbers_ahead(const struct ea_numbers *n);  // what to write
void ea_numbers_written(struct ea_numbers *n, uint64_t reserved);
