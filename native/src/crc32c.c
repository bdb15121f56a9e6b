/* SPDX-License-Identifier: MIT */
#include "crc32c.h"

#include <errno.h>
#include <string.h>

#include "btrfs_native.h"
#include "cpu.h"

#define REFLECTED_POLYNOMIAL 0x82f63b78u

/* slices[k][b]: the register after byte b and k zero bytes. */
static uint32_t slices[8][256];

static uint32_t (*chosen_path)(uint32_t, const uint8_t *, uint64_t) = crc32c_portable;

__attribute__((constructor(102))) static void prepare(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? REFLECTED_POLYNOMIAL : 0);
		slices[0][byte] = crc;
	}
	for (int k = 1; k < 8; k++)
		for (uint32_t byte = 0; byte < 256; byte++)
			slices[k][byte] = (slices[k - 1][byte] >> 8) ^ slices[0][slices[k - 1][byte] & 0xff];

#if defined(__x86_64__)
	if (cpu_features & CPU_AVX512_VPCLMUL)
		chosen_path = crc32c_avx512;
	else if (cpu_features & CPU_SSE42_CLMUL)
		chosen_path = crc32c_sse42;
#endif
}

uint32_t crc32c_portable(uint32_t state, const uint8_t *data, uint64_t length)
{
	while (length >= 8) {
		uint32_t low, high;

		memcpy(&low, data, 4);
		memcpy(&high, data + 4, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		low = __builtin_bswap32(low);
		high = __builtin_bswap32(high);
#endif
		low ^= state;
		state = slices[7][low & 0xff] ^ slices[6][(low >> 8) & 0xff] ^ slices[5][(low >> 16) & 0xff] ^ slices[4][low >> 24] ^
			slices[3][high & 0xff] ^ slices[2][(high >> 8) & 0xff] ^ slices[1][(high >> 16) & 0xff] ^ slices[0][high >> 24];
		data += 8;
		length -= 8;
	}
	while (length--)
		state = (state >> 8) ^ slices[0][(state ^ *data++) & 0xff];
	return state;
}

uint32_t btrn_crc32c(uint32_t state, const uint8_t *data, uint64_t length)
{
	return chosen_path(state, data, length);
}

int32_t btrn_crc32c_on_path(btrn_crc32c_path path, uint32_t state, const uint8_t *data, uint64_t length, uint32_t *result)
{
	switch (path) {
	case BTRN_CRC32C_AUTO:
		*result = chosen_path(state, data, length);
		return 0;
	case BTRN_CRC32C_PORTABLE:
		*result = crc32c_portable(state, data, length);
		return 0;
#if defined(__x86_64__)
	case BTRN_CRC32C_SSE42:
		if (!(cpu_features & CPU_SSE42_CLMUL))
			return -ENOTSUP;
		*result = crc32c_sse42(state, data, length);
		return 0;
	case BTRN_CRC32C_AVX512:
		if (!(cpu_features & CPU_AVX512_VPCLMUL))
			return -ENOTSUP;
		*result = crc32c_avx512(state, data, length);
		return 0;
#endif
	default:
		return -ENOTSUP;
	}
}

void btrn_crc32c_sectors(const uint8_t *data, uint32_t sector_size, uint64_t count, uint32_t *results)
{
	for (uint64_t i = 0; i < count; i++, data += sector_size)
		results[i] = ~chosen_path(~0u, data, sector_size);
}
