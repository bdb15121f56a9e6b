using Btrfs.Format;
using Btrfs.Interop;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class ExtentEncodingTests
{
    private const int SectorSize = 4096;

    public enum Content
    {
        Zeros,
        Text,
        Mixed,
        Repeats,
        FarRepeats,
        Random,
    }

    [Test]
    public void What_was_compressed_decodes_to_itself(
        [Values(CompressionType.Zlib, CompressionType.Lzo, CompressionType.Zstd)] CompressionType type, [Values] Content content, [Values(4096, 16384, 65536)] int sectorSize)
    {
        Random random = TestSeed.Random();
        foreach (int length in (int[])[sectorSize + 1, 3 * 4096, 20_480, 50_001, 100_000, 131_071, 131_072])
        {
            byte[] source = Make(content, random, length);
            byte[] destination = [.. Enumerable.Repeat((byte)0xee, length)];
            bool pays = ExtentCodec.Compress(type, 0, source, destination, sectorSize, out int compressed);
            bool isRefused = type == CompressionType.Zstd && !NativeLibraryStatus.IsLoaded && content != Content.Zeros;
            if (content != Content.Random && content != Content.FarRepeats && length > 2 * sectorSize && !isRefused)
                Assert.That(pays, $"{length} bytes");
            if (!pays)
                continue;

            int onDisk = (compressed + sectorSize - 1) / sectorSize * sectorSize;
            Assert.That(onDisk, Is.LessThanOrEqualTo((length - 1) / sectorSize * sectorSize), "saves a sector");
            Assert.That(destination.AsSpan(compressed, onDisk - compressed).ContainsAnyExcept((byte)0), Is.False, "what is written to the disk behind it");
            byte[] decoded = new byte[length + 100];
            Assert.That(ExtentCodec.Decompress(type, destination.AsSpan(0, onDisk), decoded, sectorSize), Is.EqualTo(length));
            Assert.That(decoded.AsSpan(0, length).SequenceEqual(source), $"{length} bytes");
        }
    }

    [Test]
    public void Every_level_gives_back_what_went_in()
    {
        byte[] source = Make(Content.Text, new Random(3), 131_072);
        byte[] destination = new byte[source.Length];
        foreach ((CompressionType type, int first, int last) in (ReadOnlySpan<(CompressionType, int, int)>)[(CompressionType.Zlib, 1, 9), (CompressionType.Zstd, -15, 15)])
        {
            for (int level = first; level <= last; level++)
            {
                Assert.That(ExtentCodec.Compress(type, level, source, destination, SectorSize, out int length), Is.EqualTo(type != CompressionType.Zstd || NativeLibraryStatus.IsLoaded));
                byte[] decoded = new byte[source.Length];
                if (length > 0)
                    Assert.That(ExtentCodec.Decompress(type, destination.AsSpan(0, length), decoded, SectorSize), Is.EqualTo(source.Length));
                if (length > 0)
                    Assert.That(decoded.AsSpan().SequenceEqual(source), $"{type} {level}");
            }
        }
    }

    [Test]
    public void Random_bytes_and_single_sectors_stay_plain([Values(CompressionType.Zlib, CompressionType.Lzo, CompressionType.Zstd)] CompressionType type)
    {
        byte[] destination = new byte[131_072];
        Assert.That(ExtentCodec.Compress(type, 0, Make(Content.Random, new Random(1), 131_072), destination, SectorSize, out _), Is.False);
        Assert.That(ExtentCodec.Compress(type, 0, new byte[SectorSize], destination, SectorSize, out _), Is.False);
        Assert.That(ExtentCodec.Compress(type, 0, new byte[1], destination, SectorSize, out _), Is.False);
        Assert.That(ExtentCodec.Compress(type, 0, [], destination, SectorSize, out _), Is.False);
    }

    [Test]
    public void An_extent_that_saves_less_than_a_sector_stays_plain([Values(CompressionType.Zlib, CompressionType.Lzo, CompressionType.Zstd)] CompressionType type)
    {
        // Two sectors of random bytes and a few zeros behind: smaller by some bytes, but three sectors all the same.
        byte[] source = [.. Make(Content.Random, new Random(1), 2 * SectorSize), .. new byte[400]];
        byte[] destination = new byte[source.Length];
        Assert.That(ExtentCodec.Compress(type, 0, source, destination, SectorSize, out _), Is.False);
        Assert.That(ExtentCodec.CompressInline(type, 0, source, destination, SectorSize, out int length), Is.EqualTo(NativeLibraryStatus.IsLoaded || type != CompressionType.Zstd));
        if (length > 0)
            Assert.That(length, Is.LessThan(source.Length));
    }

    [Test]
    public void An_inline_extent_is_compressed_when_it_saves_a_byte([Values(CompressionType.Zlib, CompressionType.Lzo, CompressionType.Zstd)] CompressionType type)
    {
        byte[] source = [.. Enumerable.Repeat((byte)'a', 1500)];
        byte[] destination = new byte[source.Length];
        Assert.That(ExtentCodec.CompressInline(type, 0, source, destination, SectorSize, out int length));
        byte[] decoded = new byte[source.Length];
        Assert.That(ExtentCodec.Decompress(type, destination.AsSpan(0, length), decoded, SectorSize), Is.EqualTo(source.Length));
        Assert.That(decoded, Is.EqualTo(source));
        Assert.That(ExtentCodec.CompressInline(type, 0, "abc"u8, destination, SectorSize, out _), Is.False);
    }

    [Test]
    public void The_length_of_an_lzo_segment_never_straddles_two_sectors()
    {
        // Random segments of all lengths bring the next one's length to every place around a boundary.
        Random random = TestSeed.Random();
        int padded = 0;
        for (int round = 0; round < 400; round++)
        {
            byte[] incompressible = Make(Content.Random, random, 4096 - random.Next(60));
            byte[] source = [.. new byte[4096 - incompressible.Length], .. incompressible, .. new byte[60_000 - 4096]];
            byte[] destination = new byte[source.Length];
            Assert.That(ExtentCodec.Compress(CompressionType.Lzo, 0, source, destination, SectorSize, out int total));
            Assert.That(BitConverter.ToInt32(destination), Is.EqualTo(total));
            int at = 4;
            while (at < total)
            {
                int left = SectorSize - at % SectorSize;
                if (left < 4)
                {
                    Assert.That(destination.AsSpan(at, left).ContainsAnyExcept((byte)0), Is.False);
                    at += left;
                    padded++;
                    continue;
                }

                int length = BitConverter.ToInt32(destination, at);
                Assert.That(length, Is.InRange(4, 4096 + 256 + 67), "what the kernel has room for");
                at += 4 + length;
            }

            Assert.That(at, Is.EqualTo(total));
        }

        Assert.That(padded, Is.Positive);
    }

    [Test]
    public void Lzo_repeats_from_every_distance_decode()
    {
        Random random = TestSeed.Random();
        Span<int> table = new int[LzoEncoder.TableLength];
        foreach (int distance in (int[])[1, 2, 3, 7, 8, 9, 2047, 2048, 2049, 16_383, 16_384, 16_385, 32_768, 32_769, 49_150, 49_151, 49_152])
        {
            foreach (int repeat in (int[])[4, 5, 8, 9, 10, 33, 34, 264, 265, 288, 289, 290, 1000])
            {
                byte[] source = new byte[distance + repeat + 2];
                random.NextBytes(source);
                for (int i = 0; i < repeat; i++)
                    source[distance + i] = source[i];

                table.Clear();
                byte[] stream = new byte[source.Length + source.Length / 16 + 100];
                LzoEncoder encoder = new(source, table);
                Assert.That(encoder.TryEncode(0, source.Length, stream, out int written));
                byte[] decoded = new byte[source.Length];
                Assert.That(LzoDecoder.Decode(stream.AsSpan(0, written), decoded, out bool overflows), Is.EqualTo(source.Length), $"{repeat} bytes from {distance} back");
                Assert.That(overflows, Is.False);
                Assert.That(decoded.AsSpan().SequenceEqual(source), $"{repeat} bytes from {distance} back");
            }
        }
    }

    [Test]
    public void A_destination_of_any_length_is_not_overrun([Values(CompressionType.Zlib, CompressionType.Lzo, CompressionType.Zstd)] CompressionType type)
    {
        byte[] source = Make(Content.Mixed, new Random(9), 3000);
        byte[] whole = new byte[4000];
        bool ever = ExtentCodec.CompressInline(type, 0, source, whole, SectorSize, out int needed);
        Assert.That(ever, Is.EqualTo(NativeLibraryStatus.IsLoaded || type != CompressionType.Zstd));
        for (int room = 0; room < 3100; room += 7)
        {
            byte[] destination = [.. Enumerable.Repeat((byte)0xee, room + 50)];
            bool fits = ExtentCodec.CompressInline(type, 0, source, destination.AsSpan(0, room), SectorSize, out _);
            Assert.That(fits, ever && room >= needed + 16 ? Is.True : ever && room >= needed ? Is.AnyOf(true, false) : Is.False, $"{room} of {needed}");
            Assert.That(destination.AsSpan(room).ContainsAnyExcept((byte)0xee), Is.False);
        }
    }

    [Test]
    public void The_managed_twins_make_streams_that_every_decoder_reads()
    {
        byte[] text = Make(Content.Text, new Random(2), 100_000);
        byte[] stream = new byte[text.Length];
        byte[] decoded = new byte[text.Length];
        for (int level = 1; level <= 9; level++)
        {
            Assert.That(ZlibEncoder.TryCompressManaged(text, stream, level, out int zlib));
            Assert.That(ZlibDecoder.Decompress(stream.AsSpan(0, zlib), decoded), Is.EqualTo(text.Length));
            Assert.That(decoded, Is.EqualTo(text));
            Assert.That(ZlibEncoder.TryCompressManaged(text, stream.AsSpan(0, zlib - 1), level, out _), Is.False);
        }

        foreach (int length in (int[])[1, 2, 255, 256, 65_535, 131_072])
        {
            byte[] same = [.. Enumerable.Repeat((byte)0xa5, length)];
            byte[] back = new byte[length + 1];
            Assert.That(ZstdEncoder.TryCompressManaged(same, stream, out int zstd));
            Assert.That(ZstdDecoder.Decompress(stream.AsSpan(0, zstd), back), Is.EqualTo(length));
            Assert.That(back.AsSpan(0, length).SequenceEqual(same));
            Assert.That(Btrfs.Interop.Zstd.ZstdManaged.Decompress(stream.AsSpan(0, zstd), back, ZstdDecoder.BtrfsWindowLog), Is.EqualTo(length));
        }

        Assert.That(ZstdEncoder.TryCompressManaged(text, stream, out _), Is.False, "the twin knows only repeats");
    }

    [Test]
    public void A_level_out_of_range_is_refused()
    {
        byte[] destination = new byte[20_000];
        Assert.That(() => ExtentCodec.Compress(CompressionType.Zlib, 10, new byte[20_000], destination, SectorSize, out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => ExtentCodec.Compress(CompressionType.Zstd, 16, new byte[20_000], destination, SectorSize, out _), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => ExtentCodec.Compress((CompressionType)7, 0, new byte[20_000], destination, SectorSize, out _), Throws.TypeOf<UnsupportedFeatureException>());
    }

    private static byte[] Make(Content content, Random random, int length)
    {
        byte[] bytes = new byte[length];
        switch (content)
        {
            case Content.Text:
                string[] words = ["the ", "extent ", "leaf", " holds\n", "items ", "of a ", "tree, ", "and ", "the key ", "names ", "each. "];
                for (int i = 0; i < length;)
                {
                    foreach (char letter in words[random.Next(words.Length)].Take(length - i))
                        bytes[i++] = (byte)letter;
                }

                break;
            case Content.Mixed:
                for (int i = 0; i < length; i += 300)
                    random.NextBytes(bytes.AsSpan(i, Math.Min(100, length - i)));
                break;
            case Content.Repeats:
                int period = random.Next(1, 700);
                random.NextBytes(bytes.AsSpan(0, Math.Min(period, length)));
                for (int i = period; i < length; i++)
                    bytes[i] = bytes[i - period];
                break;
            case Content.FarRepeats:
                random.NextBytes(bytes);
                for (int i = 40_000; i < length; i++)
                    bytes[i] = bytes[i - 40_000];
                break;
            case Content.Random:
                random.NextBytes(bytes);
                break;
        }

        return bytes;
    }
}
