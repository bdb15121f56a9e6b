using System.IO.Compression;
using System.Text;
using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

public sealed class ZlibDecoderTests
{
    private delegate int DecompressFunction(ReadOnlySpan<byte> source, Span<byte> destination);

    [Test]
    public void A_stream_gives_back_what_went_in([Values] CompressionLevel level, [Values(0, 1, 100, 4096, 131072)] int size)
    {
        byte[] data = Compressible(TestSeed.Random(), size);
        byte[] stream = Compress(data, level);
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            byte[] output = new byte[size + 10];
            Assert.That(decompress(stream, output), Is.EqualTo(size), name);
            Assert.That(output[..size], Is.EqualTo(data), name);
        }
    }

    [Test]
    public void Padding_after_the_stream_is_not_looked_at()
    {
        byte[] data = Compressible(TestSeed.Random(), 5000);
        byte[] padded = [.. Compress(data, CompressionLevel.Fastest), .. new byte[4096]];
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            byte[] output = new byte[8192];
            Assert.That(decompress(padded, output), Is.EqualTo(5000), name);
            Assert.That(output[..5000], Is.EqualTo(data), name);
        }
    }

    [Test]
    public void A_full_destination_ends_the_work_quietly()
    {
        byte[] data = Compressible(TestSeed.Random(), 50_000);
        byte[] stream = Compress(data, CompressionLevel.Optimal);
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            foreach (int size in (int[])[0, 1, 257, 4096, 49_999, 50_000])
            {
                byte[] output = new byte[size];
                Assert.That(decompress(stream, output), Is.EqualTo(size), name);
                Assert.That(output.AsSpan().SequenceEqual(data.AsSpan(0, size)), name);
            }
        }
    }

    [Test]
    public void A_truncated_stream_is_corrupt()
    {
        byte[] stream = Compress(Compressible(TestSeed.Random(), 3000), CompressionLevel.Optimal);

        // The last four bytes are the Adler-32, which nobody reads.
        for (int length = 0; length < stream.Length - 4; length++)
        {
            foreach ((string name, DecompressFunction decompress) in Sides())
            {
                Assert.That(() => decompress(stream.AsSpan(0, length), new byte[4096]), Throws.TypeOf<InvalidDataException>(), $"{name}, {length} of {stream.Length} bytes");
            }
        }
    }

    [Test]
    public void A_wrong_header_is_corrupt([Values("0000", "7800", "789D", "8801", "78BB", "78", "")] string header)
    {
        byte[] stream = Compress(new byte[100], CompressionLevel.Optimal);
        byte[] changed = [.. Convert.FromHexString(header), .. header.Length == 4 ? stream[2..] : []];
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            Assert.That(() => decompress(changed, new byte[4096]), Throws.TypeOf<InvalidDataException>(), name);
        }
    }

    [Test]
    public void What_the_base_library_makes_of_a_damaged_stream_the_native_side_makes_too()
    {
        InteropTest.RequireNative();
        Random random = TestSeed.Random();
        int lenient = 0;
        for (int round = 0; round < 2000; round++)
        {
            byte[] data = Compressible(random, random.Next(1, 3000));
            byte[] stream = Compress(data, CompressionLevel.Optimal);
            stream[random.Next(2, stream.Length)] ^= (byte)(1 << random.Next(8));

            // Room enough for either to reach the end: a full destination hides the damage behind it, at a point that may differ.
            byte[] native = new byte[70_000];
            byte[] managed = new byte[70_000];
            int nativeCount = TryDecompress(ZlibDecoder.Decompress, stream, native);
            int managedCount = TryDecompress(ZlibManaged.Decompress, stream, managed);

            // libdeflate lets a few Huffman tables pass that zlib refuses, such as one without an end-of-block code.
            if (managedCount < 0)
            {
                lenient += nativeCount >= 0 ? 1 : 0;
                continue;
            }

            Assert.That(nativeCount, Is.EqualTo(managedCount), $"round {round}");
            Assert.That(native.AsSpan(0, nativeCount).SequenceEqual(managed.AsSpan(0, managedCount)), $"round {round}");
        }

        Assert.That(lenient, Is.LessThan(20));
    }

    private static int TryDecompress(DecompressFunction decompress, byte[] stream, byte[] output)
    {
        try
        {
            return decompress(stream, output);
        }
        catch (InvalidDataException)
        {
            return -1;
        }
    }

    private static IEnumerable<(string Name, DecompressFunction Decompress)> Sides()
    {
        yield return ("managed", ZlibManaged.Decompress);
        if (NativeLibraryStatus.IsLoaded)
        {
            yield return ("native", ZlibDecoder.Decompress);
        }
    }

    private static byte[] Compress(byte[] data, CompressionLevel level)
    {
        using MemoryStream stream = new();
        using (ZLibStream zlib = new(stream, level))
        {
            zlib.Write(data);
        }

        // An empty input makes the base library write nothing at all.
        return data.Length == 0 ? [0x78, 0x9C, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01] : stream.ToArray();
    }

    private static byte[] Compressible(Random random, int size)
    {
        StringBuilder text = new();
        while (text.Length < size)
        {
            text.Append(random.Next(4) == 0 ? "btrfs" : random.Next(100).ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        return Encoding.ASCII.GetBytes(text.ToString(0, size));
    }
}
