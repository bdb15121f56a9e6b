/* SPDX-License-Identifier: MIT */
/* Loads and links, and the checksums give their published values. Everything else is tested from the managed side. */
#include <stdio.h>
#include <string.h>

#include "btrfs_native.h"

static int failures;

static void expect(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "FAILED: %s\n", what);
		failures++;
	}
}

int main(void)
{
	static const uint8_t digits[] = "123456789", abc[] = "abc";
	static const uint8_t sha256_of_abc[4] = { 0xba, 0x78, 0x16, 0xbf }, blake2b256_of_abc[4] = { 0xbd, 0xdd, 0x81, 0x3c };
	uint8_t digest[32];
	uint64_t hash;
	btrn_ring *ring;

	expect(~btrn_crc32c(~0u, digits, 9) == 0xe3069283, "crc32c of the check string");
	expect(btrn_crc32c_combine(~btrn_crc32c(~0u, digits, 4), ~btrn_crc32c(~0u, digits + 4, 5), 5) == 0xe3069283, "combined crc32c");
	btrn_xxhash64_sectors(abc, 0, 1, &hash);
	expect(hash == 0xef46db3751d8e999, "xxhash64 of nothing");
	btrn_sha256_sectors(abc, 3, 1, digest);
	expect(memcmp(digest, sha256_of_abc, 4) == 0, "sha256 of abc");
	btrn_blake2b256_sectors(abc, 3, 1, digest);
	expect(memcmp(digest, blake2b256_of_abc, 4) == 0, "blake2b-256 of abc");
	expect(btrn_ring_create(8, BTRN_RING_PREAD, &ring) == BTRN_RING_PREAD, "a ring that falls back");
	btrn_ring_destroy(ring);
	return failures != 0;
}
