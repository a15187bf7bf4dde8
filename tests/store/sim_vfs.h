// tests/store/sim_vfs.h – a disk in memory for SQLite that remembers every operation, can lose power after any of them, and
// fails on request. Registered as SQLite's default, so that engine/store runs on it unchanged.
//
// Power loss: what was synced is there. Of every write since the file's last sync, each 512 bytes are there, not there, or
// garbage, drawn from a seed; unsynced truncations happened or not. Bytes next to a write are never harmed, which is what
// SQLite is told (SQLITE_IOCAP_POWERSAFE_OVERWRITE, as its own VFS says of real disks).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Once, before SQLite is used.
void sim_init(void);
// An empty disk, without faults and lies. No file may be open.
void sim_reset(void);

// ---- traces
struct sim_trace;
// Begins a trace from the disk as it is (all of it taken as synced).
void sim_record(void);
// Puts a number into the trace: what the program had been told at this point.
void sim_mark(int64_t number);
// Ends the recording; the caller frees it.
struct sim_trace *sim_take(void);
void sim_trace_free(struct sim_trace *t);
size_t sim_trace_length(const struct sim_trace *t);
const struct sim_trace *sim_now(void);  // the one that is being recorded
// The disk becomes what power loss after the first `ops` operations left; ops must not go back from call to call.
// Returns the last mark before, or 0.
int64_t sim_lose_power(struct sim_trace *t, size_t ops, uint64_t seed);
// The same for one loss of power, at the end: what is synced is forgotten, so a trace is as short as what a loss can take.
void sim_record_tail(void);
// The process is about to be killed: its disk fails from now on, and what fails leaves nothing. Until the next sim_fail.
void sim_freeze(void);
// The disk becomes what the loss of power at the end of the tail left. No file may be open, and nothing was written since it was taken.
void sim_lose_tail(struct sim_trace *t, uint64_t seed);

// A number for what the disk has in the files whose names begin with path (a database, its log and its journal): equal contents have
// equal numbers, others practically never.
uint64_t sim_image(const char *path);

// ---- faults: one of the calls fails, or it and all after it
enum sim_fault { SIM_NONE, SIM_READ = 1, SIM_WRITE = 2, SIM_SYNC = 4, SIM_OPEN = 8, SIM_OTHER = 16, SIM_ALL = 31 };
// The nth call (from 1) of these kinds fails, with SQLITE_FULL if `full`. Failed writes leave half of what they should have
// written. nth 0: none. Counts from now on.
void sim_fail(unsigned kinds, int64_t nth, bool sticky, bool full);
// Calls of the kinds given to sim_fail since then.
int64_t sim_calls(void);

// ---- planted: a disk that says it has synced and has not
void sim_lie(bool log, bool file);
