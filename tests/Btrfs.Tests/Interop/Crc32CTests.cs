using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

public sealed class Crc32CTests
{
    private delegate uint UpdateFunction(uint register, ReadOnlySpan<byte> data);

    // The vectors of RFC 3720 (iSCSI), appendix B.4, and the check value of the polynomial.
    [TestCase("313233343536373839", 0xE3069283u)]
    [TestCase("0000000000000000000000000000000000000000000000000000000000000000", 0x8A9136AAu)]
    [TestCase("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 0x62A8AB43u)]
    [TestCase("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", 0x46DD794Eu)]
    [TestCase("1F1E1D1C1B1A191817161514131211100F0E0D0C0B0A09080706050403020100", 0x113FDB5Cu)]
    public void Published_vectors_hold_on_every_path(string hex, uint expected)
    {
        byte[] data = Convert.FromHexString(hex);

        Assert.That(Crc32C.Hash(data), Is.EqualTo(expected));
        foreach ((string name, UpdateFunction update) in Paths())
        {
            Assert.That(~update(uint.MaxValue, data), Is.EqualTo(expected), name);
        }
    }

    [Test]
    public void Every_path_agrees_with_the_definition_for_every_short_length_and_alignment()
    {
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, 320);
        foreach ((string name, UpdateFunction update) in Paths())
        {
            for (int skip = 0; skip < 16; skip++)
            {
                for (int length = 0; length <= 300; length++)
                {
                    uint register = (uint)random.Next();
                    ReadOnlySpan<byte> part = data.AsSpan(skip, length);
                    Assert.That(update(register, part), Is.EqualTo(Definition(register, part)), $"{name}, {length} bytes at {skip}");
                }
            }
        }
    }

    [Test]
    public void Every_path_agrees_with_the_definition_for_long_data()
    {
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, 1 << 18);
        for (int round = 0; round < 20; round++)
        {
            int start = random.Next(64);
            int length = random.Next(data.Length - start);
            uint register = (uint)random.Next();
            uint expected = Definition(register, data.AsSpan(start, length));
            foreach ((string name, UpdateFunction update) in Paths())
            {
                Assert.That(update(register, data.AsSpan(start, length)), Is.EqualTo(expected), $"{name}, {length} bytes at {start}");
            }
        }
    }

    [Test]
    public void The_lengths_around_the_strides_of_the_fast_paths_agree()
    {
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, 8300);
        foreach (int stride in (int[])[504, 512, 1024, 4080, 4096, 8160, 8192])
        {
            for (int length = stride - 9; length <= stride + 9; length++)
            {
                uint expected = Definition(1, data.AsSpan(3, length));
                foreach ((string name, UpdateFunction update) in Paths())
                {
                    Assert.That(update(1, data.AsSpan(3, length)), Is.EqualTo(expected), $"{name}, {length} bytes");
                }
            }
        }
    }

    [Test]
    public void A_combined_checksum_is_the_checksum_of_the_concatenation()
    {
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, 10000);
        for (int round = 0; round < 300; round++)
        {
            int lengthA = random.Next(data.Length);
            int lengthB = random.Next(3) == 0 ? random.Next(20) : random.Next(data.Length - lengthA + 1);
            lengthB = Math.Min(lengthB, data.Length - lengthA);
            uint a = Crc32C.Hash(data.AsSpan(0, lengthA));
            uint b = Crc32C.Hash(data.AsSpan(lengthA, lengthB));
            uint whole = Crc32C.Hash(data.AsSpan(0, lengthA + lengthB));

            Assert.That(Crc32C.Combine(a, b, lengthB), Is.EqualTo(whole), $"{lengthA} and {lengthB} bytes");
            if (NativeLibraryStatus.IsLoaded)
            {
                Assert.That(NativeMethods.btrn_crc32c_combine(a, b, (ulong)lengthB), Is.EqualTo(whole), $"native, {lengthA} and {lengthB} bytes");
            }
        }
    }

    [Test]
    public void Lengths_beyond_32_bits_combine_as_their_parts_do()
    {
        const long Gigabyte = 1L << 30;
        uint zeroes = 0x12345678;
        uint stepwise = zeroes;
        for (int i = 0; i < 9; i++)
        {
            stepwise = Crc32C.Combine(stepwise, 0, Gigabyte);
        }

        Assert.That(Crc32C.Combine(zeroes, 0, 9 * Gigabyte), Is.EqualTo(stepwise));
        if (NativeLibraryStatus.IsLoaded)
        {
            Assert.That(NativeMethods.btrn_crc32c_combine(zeroes, 0, 9 * (ulong)Gigabyte), Is.EqualTo(stepwise));
        }
    }

    [Test]
    public void A_stored_checksum_continues_a_stream_register()
    {
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, 3 * 4096);
        uint byBytes = Crc32C.Update(0, data);

        uint byChecksums = Crc32C.Update(0, data.AsSpan(0, 4096));
        byChecksums = Crc32C.UpdateByChecksum(byChecksums, Crc32C.Hash(data.AsSpan(4096, 4096)), 4096);
        byChecksums = Crc32C.UpdateByChecksum(byChecksums, Crc32C.Hash(data.AsSpan(8192, 4096)), 4096);

        Assert.That(byChecksums, Is.EqualTo(byBytes));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(4096)]
    [TestCase(49_152)]
    public void A_shift_kept_for_a_length_gives_what_combining_over_that_length_gives(int length)
    {
        Random random = TestSeed.Random();
        byte[] data = InteropTest.RandomBytes(random, length);
        uint before = (uint)random.Next();
        Crc32CShift shift = new(length);
        Assert.That(shift.Combine(before, Crc32C.Update(0, data)), Is.EqualTo(Crc32C.Update(before, data)));
        Assert.That(shift.UpdateByChecksum(before, Crc32C.Hash(data)), Is.EqualTo(Crc32C.Update(before, data)));
    }

    [TestCase(512)]
    [TestCase(4096)]
    [TestCase(65536)]
    public void A_batch_gives_the_checksum_of_each_sector(int sectorSize)
    {
        byte[] data = InteropTest.RandomBytes(TestSeed.Random(), 5 * sectorSize);
        uint[] expected = [.. data.Chunk(sectorSize).Select(static sector => ~Definition(uint.MaxValue, sector))];
        uint[] actual = new uint[5];
        uint[] managed = new uint[5];

        Crc32C.HashSectors(data, sectorSize, actual);
        Crc32CManaged.HashSectors(data, sectorSize, managed);

        Assert.That(actual, Is.EqualTo(expected));
        Assert.That(managed, Is.EqualTo(expected));
    }

    [TestCase(4095, 1)]
    [TestCase(8192, 1)]
    [TestCase(4096, 2)]
    public void A_batch_of_the_wrong_size_is_refused(int dataLength, int results) =>
        Assert.That(() => Crc32C.HashSectors(new byte[dataLength], 4096, new uint[results]), Throws.ArgumentException);

    private static uint Definition(uint register, ReadOnlySpan<byte> data)
    {
        foreach (byte value in data)
        {
            register ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                register = (register >> 1) ^ ((register & 1) * 0x82F63B78);
            }
        }

        return register;
    }

    private static IEnumerable<(string Name, UpdateFunction Update)> Paths()
    {
        yield return ("managed", Crc32CManaged.Update);
        if (!NativeLibraryStatus.IsLoaded)
        {
            yield break;
        }

        foreach (btrn_crc32c_path path in Enum.GetValues<btrn_crc32c_path>())
        {
            if (IsSupported(path))
            {
                yield return (path.ToString(), (register, data) => OnPath(path, register, data));
            }
            else
            {
                TestContext.Out.WriteLine($"this CPU can't run {path}");
            }
        }
    }

    private static unsafe bool IsSupported(btrn_crc32c_path path)
    {
        uint result;
        return NativeMethods.btrn_crc32c_on_path(path, 0, null, 0, &result) == 0;
    }

    private static unsafe uint OnPath(btrn_crc32c_path path, uint register, ReadOnlySpan<byte> data)
    {
        uint result;
        fixed (byte* start = data)
        {
            Assert.That(NativeMethods.btrn_crc32c_on_path(path, register, start, (ulong)data.Length, &result), Is.Zero);
        }

        return result;
    }
}
