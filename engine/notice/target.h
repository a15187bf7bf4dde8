// notice/target.h – addresses of channels: what is one, what may be shown of it, and where a customer's URL may lead. Pure.
#pragma once
#include "base/status.h"
#include "net/address.h"
#include "notice/event.h"

#define NOTICE_ADDRESS_MAX 1000   // bytes of an address
#define NOTICE_SHOWN_SIZE 200

// Beside what is public: ranges that the operator of this service lets URLs lead to, plain HTTP there too (a receiver on a network of one's
// own; tests). Only addresses written as numbers count: a name never leads inside.
struct notice_reach {
  const struct address_range *ranges;
  size_t count;
};

// ret_shown: without what is secret in it. ERR_INVALID says what is wrong.
enum status notice_target_check(enum notice_kind kind, const char *text, const struct notice_reach *reach, char ret_shown[NOTICE_SHOWN_SIZE], struct err *err) MUST_CHECK;
// Whether the URL leads to a range of the operator's, by its very text.
bool notice_target_inside(const char *url, const struct notice_reach *reach);
