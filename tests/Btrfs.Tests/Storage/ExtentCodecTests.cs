using System.Security.Cryptography;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class ExtentCodecTests
{
    private const int SectorSize = 4096;

    private static readonly object[] s_extents =
    [
        new object[] { CompressionType.Lzo, "lzo-inline", 1500, "a2021229fb75998c9849b4e8a26b5cb8dd286c7aec27acd752f1742ec27c0717" },
        new object[] { CompressionType.Lzo, "lzo-zeros", 131072, "fa43239bcee7b97ca62f007cc68487560a39e19f74f3dde7486db3f98df8e471" },
        new object[] { CompressionType.Lzo, "lzo-mixed", 37000, "5c0648f98a5ee309027285728a18147053defbcf5012ab77148cba8a69438bbc" },
        new object[] { CompressionType.Lzo, "lzo-odd", 13333, "f3d88560cd67e7d207a891c6a64706649bf9f6855c3249e3d17b6857d878b7a7" },
        new object[] { CompressionType.Lzo, "lzo-pattern", 56949, "8387fdf63058b1c4408356a7af8a7fdcdadd9eef1bc192d3d7d759c29be34e19" },
        new object[] { CompressionType.Lzo, "lzo-three-left", 20480, "f9750e4045b2be2113f91555941336ff0e37958f4b45ee11975d20d96ea6e99f" },
        new object[] { CompressionType.Lzo, "lzo-one-left", 20480, "039ee5790be1adc2a319a2cd0ec647e87bdfe7022e52ee3c824fcd15dd1d69e4" },
        new object[] { CompressionType.Zlib, "zlib-inline", 1500, "a2021229fb75998c9849b4e8a26b5cb8dd286c7aec27acd752f1742ec27c0717" },
        new object[] { CompressionType.Zlib, "zlib-zeros", 131072, "fa43239bcee7b97ca62f007cc68487560a39e19f74f3dde7486db3f98df8e471" },
        new object[] { CompressionType.Zlib, "zlib-mixed", 37000, "5c0648f98a5ee309027285728a18147053defbcf5012ab77148cba8a69438bbc" },
        new object[] { CompressionType.Zstd, "zstd-inline", 1500, "a2021229fb75998c9849b4e8a26b5cb8dd286c7aec27acd752f1742ec27c0717" },
        new object[] { CompressionType.Zstd, "zstd-zeros", 131072, "fa43239bcee7b97ca62f007cc68487560a39e19f74f3dde7486db3f98df8e471" },
        new object[] { CompressionType.Zstd, "zstd-mixed", 37000, "5c0648f98a5ee309027285728a18147053defbcf5012ab77148cba8a69438bbc" },
    ];

    [TestCaseSource(nameof(s_extents))]
    public void An_extent_of_the_kernel_decodes_to_what_the_file_held(CompressionType type, string name, int length, string sha256)
    {
        byte[] decoded = new byte[FormatLimits.MaxCompressedExtent];
        int written = ExtentCodec.Decompress(type, Extent(name), decoded, SectorSize);
        Assert.That(written, Is.EqualTo(length));
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(decoded.AsSpan(0, length))), Is.EqualTo(sha256));
    }

    [TestCaseSource(nameof(s_extents))]
    public void A_destination_that_is_too_short_gets_the_begin(CompressionType type, string name, int length, string sha256)
    {
        Assert.That(sha256, Has.Length.EqualTo(64));
        byte[] whole = new byte[FormatLimits.MaxCompressedExtent];
        ExtentCodec.Decompress(type, Extent(name), whole, SectorSize);
        foreach (int shorter in (int[])[0, 1, 100, 777, length / 2, length - 1])
        {
            byte[] part = new byte[shorter];
            Assert.That(ExtentCodec.Decompress(type, Extent(name), part, SectorSize), Is.EqualTo(shorter));
            Assert.That(part.AsSpan().SequenceEqual(whole.AsSpan(0, shorter)), $"{shorter} bytes");
        }
    }

    [TestCaseSource(nameof(s_extents))]
    public void Damage_ends_in_a_result_or_in_one_clear_error(CompressionType type, string name, int length, string sha256)
    {
        Assert.That(sha256, Has.Length.EqualTo(64));
        Random random = TestSeed.Random();
        byte[] extent = Extent(name);
        byte[] destination = new byte[length + 64];
        for (int round = 0; round < 300; round++)
        {
            byte[] damaged = extent[..(random.Next(3) == 0 ? random.Next(extent.Length) : extent.Length)];
            for (int i = random.Next(1, 6); i > 0 && damaged.Length > 0; i--)
                damaged[random.Next(2) == 0 ? random.Next(damaged.Length) : random.Next(Math.Min(32, damaged.Length))] = (byte)random.Next(256);

            destination.AsSpan(length).Fill(0xee);
            try
            {
                Assert.That(ExtentCodec.Decompress(type, damaged, destination.AsSpan(0, length), SectorSize), Is.InRange(0, length));
            }
            catch (CorruptMetadataException error)
            {
                Assert.That(error.Message, Does.StartWith($"corrupt {type.ToString().ToLowerInvariant()} extent of {damaged.Length} bytes: ").And.Not.Contain("\n"));
            }

            Assert.That(destination.AsSpan(length).ContainsAnyExcept((byte)0xee), Is.False);
        }
    }

    [Test]
    public void Plain_data_is_copied()
    {
        byte[] destination = new byte[5];
        Assert.That(ExtentCodec.Decompress(CompressionType.None, [1, 2, 3], destination, SectorSize), Is.EqualTo(3));
        Assert.That(destination, Is.EqualTo(new byte[] { 1, 2, 3, 0, 0 }));
    }

    [Test]
    public void An_unknown_type_is_refused() =>
        Assert.That(() => ExtentCodec.Decompress((CompressionType)7, [1], new byte[1], SectorSize), Throws.TypeOf<UnsupportedFeatureException>());

    // The smallest stream is its end marker alone.
    private static readonly object[] s_brokenFrames =
    [
        new object[] { "", "too few for a length" },
        new object[] { "0300", "too few for a length" },
        new object[] { "03000000", "the total length is 3" },
        new object[] { "ffffff7f", "the total length is 2147483647" },
        new object[] { "06000000" + "0300", "too few for a segment" },
        new object[] { "0b000000" + "00000000" + "110000", "the segment at 4 has 0 bytes" },
        new object[] { "0b000000" + "04000000" + "110000", "the segment at 4 has 4 bytes" },
        new object[] { "0b000000" + "ffffffff" + "110000", "the segment at 4 has 4294967295 bytes" },
        new object[] { "0a000000" + "02000000" + "1100", "cut off" },
        new object[] { "0c000000" + "04000000" + "11000000", "the end marker stands at 3 of 4 bytes" },
        new object[] { "0c000000" + "04000000" + "12614800", "a copy from 3 bytes back at 1" },
    ];

    [TestCaseSource(nameof(s_brokenFrames))]
    public void A_broken_lzo_frame_is_refused_with_what_is_wrong(string extent, string message) =>
        Assert.That(
            () => ExtentCodec.Decompress(CompressionType.Lzo, Convert.FromHexString(extent), new byte[SectorSize], SectorSize),
            Throws.TypeOf<CorruptMetadataException>().With.Message.Contains(message));

    [Test]
    public void A_segment_of_more_than_a_sector_is_refused()
    {
        // One literal, then a copy of one byte back that is a sector long: 3 + 15 * 255 + ... by its zero bytes.
        byte[] stream = [18, (byte)'a', 32, .. new byte[17], 255, 0, 0, 17, 0, 0];
        byte[] extent = [(byte)(8 + stream.Length), 0, 0, 0, (byte)stream.Length, 0, 0, 0, .. stream];
        Assert.That(
            () => ExtentCodec.Decompress(CompressionType.Lzo, extent, new byte[2 * SectorSize], SectorSize),
            Throws.TypeOf<CorruptMetadataException>().With.Message.Contains("more than a sector of 4096 bytes"));
    }

    private static byte[] Extent(string name)
    {
        using System.IO.Stream stream = typeof(ExtentCodecTests).Assembly.GetManifestResourceStream($"{name}.bin")!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
