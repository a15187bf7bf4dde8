// market/segment.h – bars packed for the database and for handing history to another process: about 12 bytes a bar, some
// 20 million bars a second, checked by a CRC-32 and bounds on every field, so that damage is an error and never a wrong bar.
//
// A segment holds at most SEGMENT_BARS_MAX bars and says itself in which units it counts, so segments of one series may
// differ in tick and volume scale; unpacking turns them into the units of the series they are appended to. Layout, all
// numbers little-endian: "PGS1", u32 count, i64 first open, i64 timeframe, i64 tick digits, u8 tick scale, u8 volume scale,
// u8 flags (1: a column of bar flags follows), u8 0, u32 body bytes, u32 CRC-32 of all before it and of the body; then the
// body, a column after another as zigzag varints: open time less the last one's end, open less last close, close less
// open, high above both, low below both, volume, flags.
//
// A packed series is a head (what struct series knows besides its bars) and then segments, each behind its length: what the
// database stores can be handed on without being unpacked.
#pragma once
#include "base/buf.h"
#include "market/bar.h"

#define SEGMENT_BARS_MAX 4096
#define SEGMENT_BYTES_MAX (64 + SEGMENT_BARS_MAX * 70)

// Appends bars [from, from + count) of s, packed. ERR_INVALID: a bar whose high or low
// does not enclose it; ERR_RANGE: prices too far apart for 64 bits; ERR_NOMEM; ERR_LIMIT: out is full.
enum status segment_pack(const struct series *s, size_t from, size_t count, struct buf *out, struct err *err) MUST_CHECK;
// Appends a segment's bars to s in s's units. ERR_INVALID: damaged, another timeframe, not after s's last bar, or finer than
// s's tick or volume scale can hold (s is as before then); ERR_NOMEM.
enum status segment_unpack(const void *bytes, size_t len, struct series *s, struct err *err) MUST_CHECK;

// A series' head, without bars; segments follow through series_pack_segment().
enum status series_pack_head(const struct series *s, struct buf *out, struct err *err) MUST_CHECK;
enum status series_pack_segment(const void *segment, size_t len, struct buf *out, struct err *err) MUST_CHECK;
// Head and all bars.
enum status series_pack(const struct series *s, struct buf *out, struct err *err) MUST_CHECK;
// Needs no init of ret; untouched on failure. Gaps are counted anew.
enum status series_unpack(const void *bytes, size_t len, struct series *ret, struct err *err) MUST_CHECK;

// Turns all prices into counts of another tick and volumes into another scale. ERR_INVALID when one does not divide, ERR_RANGE
// when one does not fit; the series is unchanged then.
enum status series_rescale(struct series *s, struct decimal tick, int volume_scale, struct err *err) MUST_CHECK;
// The coarsest tick that both are multiples of; false when there is none in range.
bool tick_common(struct decimal a, struct decimal b, struct decimal *ret);
