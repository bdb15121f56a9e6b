using System.Security.Cryptography;
using System.Text;
using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

public sealed class HashTests
{
    // The values of the xxHash project for seed 0.
    [TestCase("", 0xEF46DB3751D8E999ul)]
    [TestCase("a", 0xD24EC4F1A98C6E5Bul)]
    [TestCase("abc", 0x44BC2CF5AD770999ul)]
    [TestCase("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1ul)]
    public void Published_vectors_of_xxhash64_hold(string text, ulong expected)
    {
        byte[] data = Encoding.ASCII.GetBytes(text);

        Assert.That(XxHash64.Hash(data), Is.EqualTo(expected));
        Assert.That(XxHash64Managed.Hash(data), Is.EqualTo(expected));
    }

    // FIPS 180-4's examples.
    [TestCase("", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [TestCase("abc", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")]
    [TestCase("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248D6A61D20638B8E5C026930C3E6039A33CE45964FF2167F6ECEDD419DB06C1")]
    public void Published_vectors_of_sha256_hold(string text, string expected)
    {
        byte[] digest = new byte[32];
        Sha256.Hash(Encoding.ASCII.GetBytes(text), digest);

        Assert.That(Convert.ToHexString(digest), Is.EqualTo(expected));
    }

    // What `b2sum -l 256` prints.
    [TestCase("", "0E5751C026E543B2E8AB2EB06099DAA1D1E5DF47778F7787FAAB45CDF12FE3A8")]
    [TestCase("abc", "BDDD813C634239723171EF3FEE98579B94964E3BB1CB3E427262C8C068D52319")]
    public void Known_values_of_blake2b_256_hold(string text, string expected)
    {
        byte[] data = Encoding.ASCII.GetBytes(text);
        byte[] digest = new byte[32];

        Blake2b256.Hash(data, digest);
        Assert.That(Convert.ToHexString(digest), Is.EqualTo(expected));
        Blake2b256Managed.Hash(data, digest);
        Assert.That(Convert.ToHexString(digest), Is.EqualTo(expected));
    }

    [Test]
    public void The_sides_agree_for_every_short_length_and_alignment()
    {
        InteropTest.RequireNative();
        byte[] data = InteropTest.RandomBytes(TestSeed.Random(), 320);
        for (int skip = 0; skip < 8; skip++)
        {
            for (int length = 0; length <= 300; length++)
            {
                AssertSidesAgree(data.AsSpan(skip, length));
            }
        }
    }

    [Test]
    public void The_sides_agree_for_long_data()
    {
        InteropTest.RequireNative();
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, 1 << 17);
        for (int round = 0; round < 30; round++)
        {
            int start = random.Next(64);
            AssertSidesAgree(data.AsSpan(start, random.Next(data.Length - start)));
        }
    }

    [TestCase(1, 512)]
    [TestCase(7, 4096)]
    [TestCase(8, 4096)]
    [TestCase(21, 4096)]
    [TestCase(9, 100)]
    public void A_batch_gives_the_hash_of_each_sector(int count, int sectorSize)
    {
        byte[] data = InteropTest.RandomBytes(TestSeed.Random(), count * sectorSize);
        byte[] xx = new byte[count * 8];
        byte[] sha = new byte[count * 32];
        byte[] blake = new byte[count * 32];

        XxHash64.HashSectors(data, sectorSize, xx);
        Sha256.HashSectors(data, sectorSize, sha);
        Blake2b256.HashSectors(data, sectorSize, blake);

        byte[] digest = new byte[32];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> sector = data.AsSpan(i * sectorSize, sectorSize);
            Assert.That(BitConverter.ToUInt64(xx, i * 8), Is.EqualTo(XxHash64Managed.Hash(sector)));
            Assert.That(sha[(i * 32)..((i + 1) * 32)], Is.EqualTo(SHA256.HashData(sector)));
            Blake2b256Managed.Hash(sector, digest);
            Assert.That(blake[(i * 32)..((i + 1) * 32)], Is.EqualTo(digest));
        }
    }

    [Test]
    public void A_digest_of_the_wrong_size_is_refused()
    {
        Assert.That(() => Sha256.Hash(default, new byte[31]), Throws.ArgumentException);
        Assert.That(() => Blake2b256.Hash(default, new byte[33]), Throws.ArgumentException);
        Assert.That(() => XxHash64.Hash(default, new byte[4]), Throws.ArgumentException);
    }

    private static unsafe void AssertSidesAgree(ReadOnlySpan<byte> data)
    {
        string message = $"{data.Length} bytes";
        Assert.That(XxHash64.Hash(data), Is.EqualTo(XxHash64Managed.Hash(data)), message);

        byte[] native = new byte[32];
        byte[] managed = new byte[32];
        Blake2b256.Hash(data, native);
        Blake2b256Managed.Hash(data, managed);
        Assert.That(native, Is.EqualTo(managed), message);

        Sha256.Hash(data, native);
        SHA256.HashData(data, managed);
        Assert.That(native, Is.EqualTo(managed), message);
        fixed (byte* start = data)
        fixed (byte* result = native)
        {
            NativeMethods.btrn_sha256_portable(start, (ulong)data.Length, result);
        }

        Assert.That(native, Is.EqualTo(managed), $"portable, {message}");
    }
}
