using System.Text;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class ChecksumsTests
{
    // Published check values: the algorithms over "123456789", xxhash64 with seed 0.
    [TestCase(ChecksumType.Crc32C, "839206e3")]
    [TestCase(ChecksumType.XxHash64, "83aee640db41b88c")]
    [TestCase(ChecksumType.Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")]
    [TestCase(ChecksumType.Blake2b256, "16e0bf1f85594a11e75030981c0b670370b3ad83a43f49ae58a2fd6f6513cde9")]
    public void A_checksum_has_the_bytes_that_the_disk_holds(ChecksumType type, string expected)
    {
        IChecksum checksum = Checksums.For(type);
        byte[] sum = new byte[checksum.Size];
        checksum.Compute(Encoding.ASCII.GetBytes("123456789"), sum);
        Assert.That(Convert.ToHexStringLower(sum), Is.EqualTo(expected));
    }

    [Test]
    public void Sectors_are_summed_and_verified_one_by_one([Values] ChecksumType type, [Values(4096, 16384)] int sectorSize, [Values(0, 1, 64, 65, 130)] int sectors)
    {
        IChecksum checksum = Checksums.For(type);
        byte[] data = new byte[sectors * sectorSize];
        new Random(sectors).NextBytes(data);
        byte[] sums = new byte[sectors * checksum.Size];
        checksum.ComputeSectors(data, sectorSize, sums);
        byte[] one = new byte[checksum.Size];
        for (int i = 0; i < sectors; i++)
        {
            checksum.Compute(data.AsSpan(i * sectorSize, sectorSize), one);
            Assert.That(sums.AsSpan(i * one.Length, one.Length).SequenceEqual(one), $"sector {i}");
        }

        Assert.That(checksum.VerifySectors(data, sectorSize, sums));
        for (int i = 0; i < sectors; i += 13)
        {
            data[i * sectorSize + 100] ^= 1;
            Assert.That(checksum.VerifySectors(data, sectorSize, sums), Is.False, $"sector {i}");
            data[i * sectorSize + 100] ^= 1;
        }
    }

    [Test]
    public void A_sealed_block_verifies_and_has_zeros_behind_its_checksum([Values] ChecksumType type)
    {
        IChecksum checksum = Checksums.For(type);
        byte[] block = new byte[4096];
        new Random(7).NextBytes(block);
        Checksums.SealBlock(checksum, block);
        Assert.That(Checksums.VerifyBlock(checksum, block, out _));
        Assert.That(block.AsSpan(checksum.Size, FormatLimits.ChecksumFieldSize - checksum.Size).ContainsAnyExcept((byte)0), Is.False);
        block[4095] ^= 1;
        Assert.That(Checksums.VerifyBlock(checksum, block, out _), Is.False);
    }

    [Test]
    public void An_unknown_type_is_refused() => Assert.That(() => Checksums.For((ChecksumType)9), Throws.TypeOf<UnsupportedFeatureException>());
}
