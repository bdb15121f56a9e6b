using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Text;
using Btrfs.Interop;
using Btrfs.Interop.Zstd;

namespace Btrfs.Tests.Interop;

/// <summary>
/// Frames come from the zstd command where it is installed; a few that it made are kept here, so that no machine goes without.
/// </summary>
public sealed class ZstdDecoderTests
{
    private const int WindowLog = 23;

    // What `zstd -19` made of Lines(40).
    private const string KnownFrame = "KLUv/WR0AiUGAFIMHRKwpw1HECLAkGWyl2xuOb4TOR1zWM+prqy63DKzIBmezbjkbTR1sxdOIZfznYO2yS9Vny3nChbhlcsyZKujF3rlGVGdDXGSakLXVlUjvk+/tPB5pbtnXZwd+6n/ZbVqzEpUc7WLYYcIgnGQoSBDhkAgCDABTqgRIAbmXf8McC0pdBAGBhW0A0QZB54YSGuQ55cTQnbyq5NffSEOq2EiozEe8h4dII+F2SMDC3cNruI3sTIe4wBqsDU/bdr3cJ6mVQHwnVSU";

    private delegate int DecompressFunction(ReadOnlySpan<byte> source, Span<byte> destination, int windowLogMax);

    [Test]
    public void A_kept_frame_gives_its_text()
    {
        byte[] expected = Encoding.ASCII.GetBytes(Lines(40));
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            byte[] output = new byte[expected.Length + 100];
            Assert.That(decompress(Convert.FromBase64String(KnownFrame), output, ZstdDecoder.BtrfsWindowLog), Is.EqualTo(expected.Length), name);
            Assert.That(output[..expected.Length], Is.EqualTo(expected), name);
        }
    }

    [Test]
    public void A_frame_gives_back_what_went_in([Values(1, 3, 9, 15, 19)] int level, [Values] Content content)
    {
        Random random = TestSeed.Random();
        foreach (int size in (int[])[0, 1, 2, 15, 300, 4096, 20_000, 131_072, 300_000])
        {
            byte[] data = Make(content, random, size);
            byte[] frame = Compress(data, level, $"--stream-size={size}");
            foreach ((string name, DecompressFunction decompress) in Sides())
            {
                byte[] output = new byte[size + 10];
                Assert.That(decompress(frame, output, WindowLog), Is.EqualTo(size), name);
                Assert.That(output.AsSpan(0, size).SequenceEqual(data), $"{name}, {size} bytes");
            }
        }
    }

    [Test]
    public void A_streamed_frame_without_a_size_gives_back_what_went_in()
    {
        byte[] data = Make(Content.Text, TestSeed.Random(), 131_072);
        byte[] frame = Compress(data, 3, "--no-check");
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            byte[] output = new byte[data.Length + 10];
            Assert.That(decompress([.. frame, .. new byte[4096]], output, WindowLog), Is.EqualTo(data.Length), name);
            Assert.That(output.AsSpan(0, data.Length).SequenceEqual(data), name);
        }
    }

    [Test]
    public void A_full_destination_ends_the_work_quietly()
    {
        byte[] data = Make(Content.Text, TestSeed.Random(), 131_072);
        byte[] frame = Compress(data, 3);
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            foreach (int size in (int[])[0, 1, 100, 4095, 4096, 131_071, 131_072])
            {
                byte[] output = new byte[size];
                Assert.That(decompress(frame, output, WindowLog), Is.EqualTo(size), name);
                Assert.That(output.AsSpan().SequenceEqual(data.AsSpan(0, size)), name);
            }
        }
    }

    [Test]
    public void A_truncated_frame_is_corrupt()
    {
        byte[] frame = Convert.FromBase64String(KnownFrame);
        for (int length = 0; length < frame.Length; length++)
        {
            foreach ((string name, DecompressFunction decompress) in Sides())
            {
                Assert.That(() => decompress(frame.AsSpan(0, length), new byte[65536], WindowLog), Throws.TypeOf<InvalidDataException>(), $"{name}, {length} bytes");
            }
        }
    }

    [TestCase("", TestName = "Nothing is corrupt")]
    [TestCase("28B52FFC0000010000", TestName = "Another magic number is corrupt")]
    [TestCase("502A4D180100000000", TestName = "A skippable frame is corrupt")]
    [TestCase("28B52FFD2801010000", TestName = "A reserved bit is corrupt")]
    [TestCase("28B52FFD210501010000", TestName = "A frame for a dictionary is corrupt")]
    [TestCase("28B52FFD0070010000", TestName = "A window of 16 MiB is refused")]
    [TestCase("28B52FFD2005070000", TestName = "A block of the reserved type is corrupt")]
    public void A_bad_frame_is_corrupt(string hex)
    {
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            Assert.That(() => decompress(Convert.FromHexString(hex), new byte[100], WindowLog), Throws.TypeOf<InvalidDataException>(), name);
        }
    }

    [Test]
    public void A_window_over_the_limit_is_refused()
    {
        // A window descriptor of 2^18 bytes, and one empty raw block.
        byte[] frame = Convert.FromHexString("28B52FFD0040010000");
        foreach ((string name, DecompressFunction decompress) in Sides())
        {
            Assert.That(decompress(frame, new byte[10], 18), Is.Zero, name);
            Assert.That(() => decompress(frame, new byte[10], 17), Throws.TypeOf<InvalidDataException>(), name);
        }
    }

    [Test]
    public void What_the_library_makes_of_a_damaged_frame_the_managed_side_makes_too()
    {
        InteropTest.RequireNative();
        Random random = TestSeed.Random();
        byte[][] frames = [.. Enum.GetValues<Content>().SelectMany(content => new[] { Compress(Make(content, random, 3000), 3), Compress(Make(content, random, 200), 19, "--stream-size=200") })];
        byte[] native = new byte[300_000];
        byte[] managed = new byte[300_000];
        int strict = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] frame = [.. frames[random.Next(frames.Length)]];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                frame[random.Next(4, frame.Length)] ^= (byte)(1 << random.Next(8));
            }

            int nativeCount = TryDecompress(ZstdDecoder.Decompress, frame, native);
            int managedCount = TryDecompress(ZstdManaged.Decompress, frame, managed);

            // The library doesn't look whether every bit stream ends where it should (RFC 8878, 4.2.2); the managed side does.
            if (nativeCount >= 0 && managedCount < 0)
            {
                strict++;
                continue;
            }

            Assert.That(managedCount, Is.EqualTo(nativeCount), $"round {round}: {Convert.ToHexString(frame)}");
            Assert.That(managed.AsSpan(0, Math.Max(0, managedCount)).SequenceEqual(native.AsSpan(0, Math.Max(0, nativeCount))), $"round {round}: {Convert.ToHexString(frame)}");
        }

        TestContext.Out.WriteLine($"{strict} frames that only the library takes");
        Assert.That(strict, Is.LessThan(2000));
    }

    public enum Content
    {
        Zeroes,
        Text,
        Noise,
        NoiseWithRepeats,
        FewSymbols,
    }

    private static byte[] Make(Content content, Random random, int size)
    {
        byte[] data = new byte[size];
        switch (content)
        {
            case Content.Text:
                Encoding.ASCII.GetBytes(Lines(size)[..size]).CopyTo(data, 0);
                break;
            case Content.Noise:
                random.NextBytes(data);
                break;
            case Content.NoiseWithRepeats:
                random.NextBytes(data);
                for (int at = 200; at < size; at += random.Next(1, 400))
                {
                    int length = Math.Min(random.Next(3, 150), size - at);
                    int from = random.Next(at);
                    for (int i = 0; i < length; i++)
                    {
                        data[at + i] = data[from + i];
                    }
                }

                break;
            case Content.FewSymbols:
                for (int i = 0; i < size; i++)
                {
                    data[i] = (byte)BitOperations.Log2((uint)random.Next(1, 1 << 12));
                }

                break;
        }

        return data;
    }

    private static string Lines(int count)
    {
        StringBuilder text = new();
        for (int i = 0; i < count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{i * 7919 % 1009}: leaf {i % 13} of tree {i % 5}\n");
        }

        return text.ToString();
    }

    private static int TryDecompress(DecompressFunction decompress, byte[] frame, byte[] output)
    {
        try
        {
            return decompress(frame, output, WindowLog);
        }
        catch (InvalidDataException)
        {
            return -1;
        }
    }

    private static IEnumerable<(string Name, DecompressFunction Decompress)> Sides()
    {
        yield return ("managed", ZstdManaged.Decompress);
        if (NativeLibraryStatus.IsLoaded)
        {
            yield return ("native", ZstdDecoder.Decompress);
        }
    }

    private static byte[] Compress(byte[] data, int level, params string[] options)
    {
        ProcessStartInfo start = new("zstd", ["-q", "-c", $"-{level}", .. options]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        Process zstd;
        try
        {
            zstd = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            Assert.Ignore($"zstd is not installed: {exception.Message}");
            throw;
        }

        using (zstd)
        {
            using MemoryStream frame = new();
            Task copy = zstd.StandardOutput.BaseStream.CopyToAsync(frame);
            zstd.StandardInput.BaseStream.Write(data);
            zstd.StandardInput.Close();
            copy.Wait();
            zstd.WaitForExit();
            Assert.That(zstd.ExitCode, Is.Zero);
            return frame.ToArray();
        }
    }
}
