using System.Diagnostics;
using System.Globalization;
using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Fuzz.Streams;
using Btrfs.LoopTests.Reading;
using Btrfs.Receive.Parts;
using Btrfs.Space.Making;
using Btrfs.Stream;
using Btrfs.Tests.Storage;

namespace Btrfs.Tests.Receiving;

/// <summary>
/// A receive is killed at random moments, as hard as can be, and what is left is opened, checked, and gone on with to the end. BTRFS_KILLS says how
/// often (default 4).
/// </summary>
internal sealed class KillTests
{
    private const int Files = 3000;

    private readonly string _directory = Directory.CreateTempSubdirectory("btrfs-kill-").FullName;

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void A_killed_receive_goes_on_to_the_right_result()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("BTRFS_KILLS") ?? "4", CultureInfo.InvariantCulture);
        Random random = TestSeed.Random();
        string stream = Path.Combine(_directory, "stream");
        File.WriteAllBytes(stream, MakeStream());
        string expected = NewImage("expected");
        TimeSpan whole = ReceiveWhole(expected, stream);
        List<string> content = ContentOf(expected);
        int resumed = 0;
        int anew = 0;

        for (int kill = 0; kill < kills; kill++)
        {
            string image = NewImage("killed");
            for (int again = 0; ; again++)
            {
                bool hasPart = HasPart(image);
                if (again > 0 && IsComplete(image))
                    break;
                resumed += hasPart ? 1 : 0;
                anew += hasPart ? 0 : 1;
                string[] arguments = ["receive", "-q", "--commit", "1M", .. hasPart ? (string[])["--resume"] : [], "-f", stream, image];
                // After two kills it may come to its end.
                TimeSpan life = again < 2 ? whole * random.NextDouble() : Timeout.InfiniteTimeSpan;
                RunFor(life, arguments);
                Assert.That(Fault(image), Is.Null, $"after {life.TotalMilliseconds} ms");
            }

            Assert.That(ContentOf(image), Is.EqualTo(content));
        }

        TestContext.Out.WriteLine($"{kills} receives: begun {anew} times, gone on {resumed} times");
    }

    private static void RunFor(TimeSpan life, string[] arguments)
    {
        using Process process = EngineCommand.Start(arguments);
        process.StandardInput.Close();
        if (!process.WaitForExit(life))
            process.Kill();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (life == Timeout.InfiniteTimeSpan)
            Assert.That(process.ExitCode, Is.Zero, errors);
    }

    private static TimeSpan ReceiveWhole(string image, string stream)
    {
        long start = Stopwatch.GetTimestamp();
        RunFor(Timeout.InfiniteTimeSpan, ["receive", "-q", "-f", stream, image]);
        return Stopwatch.GetElapsedTime(start);
    }

    private static bool HasPart(string image)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        IReadOnlyList<ReceivedPart> parts = fs.FindReceivedParts();
        Assert.That(parts.All(part => part.Token is not null));
        return parts.Count > 0;
    }

    private static bool IsComplete(string image)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        return fs.EnumerateDirectory("").Any(entry => entry.Name == "s");
    }

    private static string? Fault(string image)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        Btrfs.Check.CheckReport report = new Btrfs.Check.FileSystemChecker(fs.Info, new Btrfs.Check.CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
        return report.IsClean ? null : string.Join('\n', report.Findings);
    }

    private static List<string> ContentOf(string image)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        List<string> lines = [];
        SentStream.AddContents(fs, "s"u8.ToArray(), lines);
        return lines;
    }

    private string NewImage(string name)
    {
        string path = Path.Combine(_directory, name);
        File.Delete(path);
        ImageMaker.Make([path], new MakeOptions { DeviceBytes = 512 << 20 });
        return path;
    }

    // Small files, a large one, names that come and go, and clones.
    private static byte[] MakeStream()
    {
        StreamScript script = new StreamScript().Subvol("s");
        byte[] data = new byte[100_000];
        new Random(3).NextBytes(data);
        for (int number = 0; number < Files; number++)
        {
            if (number % 100 == 0)
                script.Mkdir($"o{number}").Rename($"o{number}", $"d{number / 100}");
            string name = $"d{number / 100}/f{number}";
            script.Mkfile("o").Rename("o", name).Write(name, 0, data.AsSpan(number % 1000, 5000)).Chown(name, 1, 2)
                .Number(CommandType.Chmod, name, AttributeType.Mode, 0x1A4).Utimes(name, number);
            if (number % 7 == 0)
                script.Link(name + "x", name).Unlink(name).Rename(name + "x", name);
        }

        script.Mkfile("large");
        for (int piece = 0; piece < 500; piece++)
            script.Write("large", (ulong)(piece * data.Length), data);
        script.Mkfile("clone").Clone("clone", 0, 40_960_000, StreamScript.Sender, "large", 4096);
        return script.End();
    }
}
