/* SPDX-License-Identifier: MIT */
/*
 * crc32c is a remainder modulo P(x) = 0x1edc6f41 + x^32 over GF(2), bits reflected: bit 31 of a register is the coefficient of x^0,
 * bit 0 that of x^31.
 */
#ifndef BTRN_CRC32C_H
#define BTRN_CRC32C_H

#include <stdint.h>

uint32_t crc32c_portable(uint32_t state, const uint8_t *data, uint64_t length);

/* a * b mod P. */
uint32_t crc32c_multiply(uint32_t a, uint32_t b);

/* x^exponent mod P; a negative exponent is given modulo CRC32C_ORDER. */
uint32_t crc32c_power_of_x(uint64_t exponent);

/* P = (x + 1) * a primitive polynomial of degree 31, so the powers of x repeat after 2^31 - 1. */
#define CRC32C_ORDER 0x7fffffffull

#if defined(__x86_64__)

uint32_t crc32c_sse42(uint32_t state, const uint8_t *data, uint64_t length);
uint32_t crc32c_avx512(uint32_t state, const uint8_t *data, uint64_t length);

/* The constant that crc32c_shift_clmul takes to move a register over `length` zero bytes. */
uint32_t crc32c_shift_constant(uint64_t length);
uint32_t crc32c_shift_clmul(uint32_t crc, uint32_t constant);

#endif

#endif
