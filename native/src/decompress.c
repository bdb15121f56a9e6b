/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libdeflate.h>
#include <limits.h>
#include <stdlib.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "btrfs_native.h"

/* Each part is made when its format is first met. */
struct btrn_decoder {
	struct libdeflate_decompressor *whole;
	ZSTD_DCtx *zstd;
	z_stream partial;
	int partial_ready;
};

int32_t btrn_decoder_create(btrn_decoder **decoder)
{
	*decoder = calloc(1, sizeof(**decoder));
	return *decoder ? 0 : -ENOMEM;
}

void btrn_decoder_destroy(btrn_decoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->whole)
		libdeflate_free_decompressor(decoder->whole);
	if (decoder->partial_ready)
		inflateEnd(&decoder->partial);
	ZSTD_freeDCtx(decoder->zstd);
	free(decoder);
}

/* The slow judge: knows streams that go on after the destination is full, which libdeflate refuses. */
static int64_t inflate_partially(btrn_decoder *decoder, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length)
{
	z_stream *stream = &decoder->partial;
	int result;

	if (source_length > UINT_MAX || destination_length > UINT_MAX)
		return -EMSGSIZE;
	if (!decoder->partial_ready) {
		if (inflateInit2(stream, -MAX_WBITS) != Z_OK)
			return -ENOMEM;
		decoder->partial_ready = 1;
	} else {
		inflateReset(stream);
	}
	stream->next_in = (Bytef *)source;
	stream->avail_in = (uInt)source_length;
	stream->next_out = destination;
	stream->avail_out = (uInt)destination_length;
	result = inflate(stream, Z_SYNC_FLUSH);
	if (result == Z_MEM_ERROR)
		return -ENOMEM;
	if (result != Z_STREAM_END && stream->avail_out > 0)
		return -EBADMSG;
	return (int64_t)(destination_length - stream->avail_out);
}

int64_t btrn_zlib_decompress(btrn_decoder *decoder, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length)
{
	size_t produced;

	/* RFC 1950: the method is deflate, the window at most 32 KiB, no dictionary, and the two bytes a multiple of 31. */
	if (source_length < 2 || (source[0] & 0x0f) != 8 || source[0] >> 4 > 7 || source[1] & 0x20 || (source[0] << 8 | source[1]) % 31)
		return -EBADMSG;
	if (!decoder->whole && !(decoder->whole = libdeflate_alloc_decompressor()))
		return -ENOMEM;
	source += 2;
	source_length -= 2;
	if (libdeflate_deflate_decompress(decoder->whole, source, source_length, destination, destination_length, &produced) == LIBDEFLATE_SUCCESS)
		return (int64_t)produced;
	return inflate_partially(decoder, source, source_length, destination, destination_length);
}

int64_t btrn_zstd_decompress(btrn_decoder *decoder, const uint8_t *source, uint64_t source_length, uint8_t *destination, uint64_t destination_length, uint32_t window_log_max)
{
	ZSTD_inBuffer in = { source, source_length, 0 };
	ZSTD_outBuffer out = { destination, destination_length, 0 };
	ZSTD_frameHeader header;
	size_t result;

	/* Checked here, because the library lets a frame that fits the destination pass whatever its window is. */
	if (ZSTD_getFrameHeader(&header, source, source_length) != 0 || header.frameType != ZSTD_frame)
		return -EBADMSG;
	if (window_log_max > 30 || header.windowSize > 1ull << window_log_max)
		return -EBADMSG;
	if (!decoder->zstd) {
		decoder->zstd = ZSTD_createDCtx();
		if (!decoder->zstd)
			return -ENOMEM;
		ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum);
	}
	ZSTD_DCtx_reset(decoder->zstd, ZSTD_reset_session_only);

	do {
		result = ZSTD_decompressStream(decoder->zstd, &out, &in);
		if (out.pos == out.size)
			return (int64_t)out.pos;
		if (ZSTD_isError(result))
			return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
	} while (result != 0 && in.pos < in.size);
	return result == 0 ? (int64_t)out.pos : -EBADMSG;
}
