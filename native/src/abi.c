/* SPDX-License-Identifier: MIT */
#include "btrfs_native.h"

uint64_t btrn_abi_fingerprint(void)
{
	return BTRN_ABI_FINGERPRINT;
}
