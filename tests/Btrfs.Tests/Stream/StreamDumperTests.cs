using System.Diagnostics;
using System.Text;
using Btrfs.Stream;
using Btrfs.Stream.Dump;

namespace Btrfs.Tests.Stream;

public sealed class StreamDumperTests
{
    [TestCaseSource(typeof(GoldenStreams), nameof(GoldenStreams.Kernel))]
    public void A_stream_of_the_kernel_is_printed_as_btrfs_progs_does(string name) =>
        Assert.That(Text(Dump(GoldenStreams.Read(name))), Is.EqualTo(Text(GoldenStreams.ReadDump(name))));

    [TestCase("every-command-v1")]
    [TestCase("every-command-v2")]
    [TestCase("edge-cases")]
    public void A_stream_of_ours_is_printed_as_btrfs_progs_does(string name)
    {
        byte[] stream = name switch
        {
            "every-command-v1" => SampleStreams.EveryCommand(1),
            "every-command-v2" => SampleStreams.EveryCommand(2),
            _ => SampleStreams.EdgeCases(),
        };
        if (Environment.GetEnvironmentVariable("BTRFS_UPDATE_GOLDEN") == "1")
            GoldenStreams.UpdateDump(name, DumpByProgs(stream));

        Assert.That(Text(Dump(stream)), Is.EqualTo(Text(GoldenStreams.ReadDump(name))));
    }

    [Test]
    public void The_verity_command_is_printed()
    {
        // btrfs-progs 6.2 refuses streams of version 3, but printed this line for the command in a stream of version 2.
        string[] lines = Text(Dump(SampleStreams.EveryCommand(3))).TrimEnd('\n').Split('\n');

        Assert.That(lines[^1], Is.EqualTo(@"enable_verity   ./path\ of\ caf\303\251/path\ of\ caf\303\251 algorithm=0 block_size=3206908560 salt_len=25 sig_len=24"));
    }

    // What btrfs-progs printed with this TZ.
    [TestCase("Europe/Berlin", "atime=2024-06-15T14:00:00+0200 mtime=2023-11-14T23:13:20+0100")]
    [TestCase("Asia/Kathmandu", "atime=2024-06-15T17:45:00+0545 mtime=2023-11-15T03:58:20+0545")]
    [TestCase("America/New_York", "atime=2024-06-15T08:00:00-0400 mtime=2023-11-14T17:13:20-0500")]
    public void Times_are_local(string zone, string expected)
    {
        byte[] stream = SampleStreams.Build(1, w =>
        {
            w.Begin(CommandType.Utimes);
            w.PutBytes(AttributeType.Path, "a"u8);
            w.PutTime(AttributeType.Atime, 1_718_452_800, 0);
            w.PutTime(AttributeType.Mtime, 1_700_000_000, 0);
            w.PutTime(AttributeType.Ctime, 1L << 40, 0);
            w.End();
        });

        Assert.That(Text(Dump(stream, TimeZoneInfo.FindSystemTimeZoneById(zone))), Does.Contain(expected));
    }

    [Test]
    public void A_year_beyond_9999_follows_the_rules_of_its_zone()
    {
        byte[] stream = SampleStreams.Build(1, w => SampleStreams.Utimes(w, 1L << 40));

        Assert.That(Text(Dump(stream, TimeZoneInfo.FindSystemTimeZoneById("America/New_York"))), Does.Contain("atime=36812-02-19T19:36:16-0500"));
    }

    [Test]
    public void Lines_before_a_failure_are_printed_and_no_part_of_a_line_is()
    {
        (Action<CommandWriter> Body, string Problem)[] cases =
        [
            (w => SampleStreams.Utimes(w, 67_768_036_191_676_800), "utimes: atime 67768036191676800 has no year of 32 bits"),
            (w => SampleStreams.Utimes(w, -67_768_040_609_740_801), "utimes: atime -67768040609740801 has no year of 32 bits"),
            (w => SampleStreams.Utimes(w, long.MinValue), "utimes: atime -9223372036854775808 has no year of 32 bits"),
            (w => SampleStreams.Truncate(w, SampleStreams.LongPath(4089)), "truncate: path of 4089 bytes is too long below a subvolume path of 5"),
            (w => SampleStreams.Rename(w, "a"u8, SampleStreams.LongPath(4089)), "rename: path_to of 4089 bytes is too long below a subvolume path of 5"),
        ];

        foreach ((Action<CommandWriter> body, string problem) in cases)
        {
            byte[] stream = SampleStreams.Build(2, w =>
            {
                SampleStreams.Subvolume(w, "sub"u8);
                body(w);
                SampleStreams.Truncate(w, "never printed"u8);
            });
            MemoryStream output = new();
            StreamDumper dumper = new(output, TimeZoneInfo.Utc);

            Assert.That(() => dumper.Dump(new MemoryStream(stream)), Throws.TypeOf<StreamFormatException>().With.Message.EndsWith(problem));
            Assert.That(Text(output.ToArray()), Is.EqualTo("subvol          ./sub                           uuid=00010203-0405-0607-0809-0a0b0c0d0e0f transid=7\n"));
        }
    }

    [Test]
    public void Unknown_commands_are_passed_over()
    {
        byte[] stream = new RawStream().Header(2).Command(99, RawStream.Attribute(15, "a"u8)).Command(12, RawStream.Attribute(15, "a"u8)).End().ToArray();

        Assert.That(Text(Dump(stream)), Is.EqualTo("rmdir           ./a\n"));
    }

    [Test]
    public void Lines_far_longer_than_the_buffer_are_printed_whole()
    {
        byte[] target = new byte[65_000];
        target.AsSpan().Fill(1);
        byte[] stream = SampleStreams.Build(2, w =>
        {
            w.Begin(CommandType.Link);
            w.PutBytes(AttributeType.Path, "a"u8);
            w.PutBytes(AttributeType.PathLink, target);
            w.End();
            SampleStreams.Truncate(w, "after"u8);
        });

        string[] lines = Text(Dump(stream)).Split('\n');

        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[0], Has.Length.EqualTo(48 + 5 + (65_000 * 4)));
        Assert.That(lines[1], Does.StartWith("truncate        ./after "));
    }

    [Test]
    public void Random_streams_are_printed_as_the_installed_btrfs_progs_does()
    {
        if (!File.Exists("/usr/bin/btrfs"))
            Assert.Ignore("btrfs-progs is not installed: nothing to compare with");

        int seed = TestSeed.Number();
        Random random = new(seed);
        for (int round = 0; round < 40; round++)
        {
            byte[] stream = RandomStreams.Build(random, version: random.Next(1, 3), commands: 200);
            Assert.That(Text(Dump(stream)), Is.EqualTo(Text(DumpByProgs(stream))), $"BTRFS_SEED={seed}, round {round}");
        }
    }

    // One character a byte, so that a failure shows where the texts part.
    private static string Text(byte[] dump) => Encoding.Latin1.GetString(dump);

    private static byte[] Dump(byte[] stream, TimeZoneInfo? zone = null)
    {
        MemoryStream output = new();
        new StreamDumper(output, zone ?? TimeZoneInfo.Utc).Dump(new MemoryStream(stream));
        return output.ToArray();
    }

    private static byte[] DumpByProgs(byte[] stream)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, stream);
            ProcessStartInfo start = new("/usr/bin/btrfs", ["receive", "--dump", "-f", file]) { RedirectStandardOutput = true };
            start.Environment["TZ"] = "UTC";
            using Process process = Process.Start(start)!;
            MemoryStream output = new();
            process.StandardOutput.BaseStream.CopyTo(output);
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, "btrfs receive --dump failed");
            return output.ToArray();
        }
        finally
        {
            File.Delete(file);
        }
    }
}
