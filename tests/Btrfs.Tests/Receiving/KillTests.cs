using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Btrfs.Engine;
using Btrfs.Fidelity.Kernel;
using Btrfs.LoopTests.Reading;
using Btrfs.Receive.Parts;

namespace Btrfs.Tests.Receiving;

/// <summary>
/// Receives are killed at random moments, as hard as can be; what is left is opened, checked, and gone on with to the end. BTRFS_KILLS says how
/// often for each kind of stream (default 2); <c>./build.sh Kills</c> kills many, of the published command line.
/// </summary>
internal sealed class KillTests
{
    private const int PerBtrfsCheck = 8;

    private readonly string _directory = Directory.CreateTempSubdirectory("btrfs-kill-").FullName;
    private readonly Random _random = TestSeed.Random();
    private int _before;
    private int _during;
    private int _after;
    private int _checkedByBtrfs;

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    [TestCaseSource(typeof(KillCase), nameof(KillCase.All))]
    public void A_killed_receive_goes_on_to_the_right_result(KillCase @case)
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("BTRFS_KILLS") ?? "2", CultureInfo.InvariantCulture);
        _before = _during = _after = _checkedByBtrfs = 0;
        string stream = Path.Combine(_directory, "stream");
        File.WriteAllBytes(stream, @case.Stream);
        string image = Path.Combine(_directory, "image");
        string blank = Path.Combine(_directory, "blank");
        @case.MakeImage(blank);
        TimeSpan start = Measure(["receive", "--list-parts", blank]);
        SparseFile.Copy(blank, image);
        TimeSpan whole = Measure(["receive", "-q", "-f", stream, image]);
        List<string> content = ContentOf(image);

        for (int done = 0; done < kills;)
        {
            SparseFile.Copy(blank, image);
            ReceivedPart? part = null;
            while (done < kills)
            {
                TimeSpan life = (start * 0.9) + ((whole - (start * 0.9)) * 1.1 * _random.NextDouble());
                long begun = Stopwatch.GetTimestamp();
                bool isKilled = RunFor(life, Arguments(image, stream, part));
                done += isKilled ? 1 : 0;

                // The machine is not always as fast as at first: who aims behind the end kills nobody.
                if (!isKilled)
                    whole = (whole + Stopwatch.GetElapsedTime(begun)) / 2;
                Judge(image, $"after {life.TotalMilliseconds} of {whole.TotalMilliseconds} ms");
                bool isComplete = IsComplete(image);
                part = PartOf(image);
                if (isKilled)
                    Count(isComplete, part);
                if (isComplete)
                    break;
            }

            if (!IsComplete(image))
                RunFor(Timeout.InfiniteTimeSpan, Arguments(image, stream, part));
            Assert.That(ContentOf(image), Is.EqualTo(content));
            Assert.That(PartOf(image), Is.Null);
        }

        TestContext.Out.WriteLine(
            $"{@case.Name}: killed before anything was durable {_before}, with a part {_during}, after the end {_after}; judged by btrfs check {_checkedByBtrfs}");
    }

    private void Count(bool isComplete, ReceivedPart? part)
    {
        if (isComplete)
            _after++;
        else if (part is not null)
            _during++;
        else
            _before++;
    }

    // Anew, or on with the part: with the whole stream once more, or with the rest of it as a sender makes it. A snapshot without its mark has no token yet.
    private string[] Arguments(string image, string stream, ReceivedPart? part)
    {
        string input = stream;
        if (part?.Token is { } token && _random.Next(2) == 0)
        {
            input = Path.Combine(_directory, "rest");
            byte[] whole = File.ReadAllBytes(stream);
            File.WriteAllBytes(input, ResumeTests.Rest(whole, token, whole.Length));
        }

        string commit = ((string[])["64K", "1M", "4M", "1G"])[_random.Next(4)];
        return ["receive", "-q", "--commit", commit, .. part is null ? (string[])[] : ["--resume"], "-f", input, image];
    }

    private static bool RunFor(TimeSpan life, string[] arguments)
    {
        using Process process = EngineCommand.Start(arguments);
        process.StandardInput.Close();
        bool isKilled = !process.WaitForExit(life);
        if (isKilled)
            process.Kill();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (!isKilled)
            Assert.That(process.ExitCode, Is.Zero, errors);
        return isKilled;
    }

    private static TimeSpan Measure(string[] arguments)
    {
        long start = Stopwatch.GetTimestamp();
        RunFor(Timeout.InfiniteTimeSpan, arguments);
        return Stopwatch.GetElapsedTime(start);
    }

    private static ReceivedPart? PartOf(string image)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        return fs.FindReceivedParts().SingleOrDefault();
    }

    private static bool IsComplete(string image)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        return fs.EnumerateDirectory("").Any(entry => entry.Name == KillCase.Subvolume);
    }

    private void Judge(string image, string when)
    {
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open([image]))
        {
            Btrfs.Check.CheckReport report = new Btrfs.Check.FileSystemChecker(fs.Info, new Btrfs.Check.CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
            Assert.That(report.Findings, Is.Empty, when);
        }

        if (_random.Next(PerBtrfsCheck) != 0)
            return;
        try
        {
            Tool.Run("btrfs", "check", "--check-data-csum", image);
            _checkedByBtrfs++;
        }
        catch (Win32Exception)
        {
            // There are no btrfs-progs here: the count says so.
        }
    }

    private static List<string> ContentOf(string image)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open([image]);
        List<string> lines = [];
        SentStream.AddContents(fs, "s"u8.ToArray(), lines);
        return lines;
    }
}
