using System.Globalization;
using System.Text;

namespace Btrfs.Benchmarks.Macro;

/// <summary>The report of a whole run: docs/benchmarks.md, and a plot beside it.</summary>
internal static class SendReport
{
    private const string Path = "docs/benchmarks.md";
    private const string PlotPath = "docs/benchmarks.svg";

    /// <summary>The rows as a table.</summary>
    public static string Table(IEnumerable<Row> rows)
    {
        StringBuilder text = new("| work | kernel, ms | ours, ms | times the kernel | asked | stream, MB/s | of the limit | peak memory, MiB |\n");
        text.Append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        foreach (Row row in rows)
        {
            string share = row.Limit is { } limit ? string.Create(CultureInfo.InvariantCulture, $"{row.MegabytesPerSecond / limit.MegabytesPerSecond * 100:f0} %") : "";
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {row.Title} | {row.KernelMilliseconds:f0} | {row.OurMilliseconds:f0} | **{row.Ratio:f2}** | {row.Floor:0.#} | {row.MegabytesPerSecond:f0} | {share} | {row.PeakMebibytes:f0} |\n");
        }

        return text.ToString();
    }

    /// <summary>Writes the report.</summary>
    /// <param name="rows">All of them.</param>
    /// <param name="limits">Of the same run.</param>
    /// <param name="startUp">What a command takes at least.</param>
    /// <param name="rounds">How many times each side was run.</param>
    /// <param name="loadBefore">The load average when the run began.</param>
    public static void Write(IReadOnlyList<Row> rows, Limits limits, IReadOnlyList<(string Title, double Milliseconds, double Ceiling)> startUp, int rounds, string loadBefore)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Benchmarks of send

            Written by `./build.sh Bench`, as root, on {DateTime.UtcNow:yyyy-MM-dd}. All of it again: the same command.

            * Machine: {Machine()}; Linux {Environment.OSVersion.Version}; .NET {Environment.Version}; load average {loadBefore} before, {Load()} after.
            * Each row is one image, made by the kernel and mounted read-only throughout. The kernel's `btrfs send` ioctl and our library send the same subvolume of it in turns, {rounds} times each after
              one time that does not count (ours for a second and a half, until its code is compiled well); quoted are medians and their ratio. Our time includes opening the image.
            * *Into a pipe*, where nothing else is said: 1 MiB of room, a thread reads it into memory. Other sinks are named. The kernel refuses /dev/null; its side of that row is a pipe that is spliced there, as `btrfs send` does.
            * *Cold*: before each side the image's pages leave the page cache, and for the kernel alone it is mounted, anew each time.
            * Our side verifies every checksum of the data, except in rows that say that the data is not touched (`--no-verify-data`): there each command's crc comes from the stored checksums.
              The kernel verifies what it reads from the disk, and not what its page cache has already.
            * *Of the limit*: our speed as a share of what the machine gives a program that moves the same bytes and knows no file system; the limits are below. Cold, that is `dd` with the best of five block sizes, which reads the same bytes of the image in turns with the other two; quoted is its median, too.
            * *Peak memory*: of a process that does this one send. Asked are 192 MiB at most.

            {Table(rows)}
            ![How many times the kernel's speed, and what was asked](benchmarks.svg)

            ## Start-up

            | command | ms | asked, at most |
            | --- | ---: | ---: |

            """);
        foreach ((string title, double milliseconds, double ceiling) in startUp)
            text.Append(CultureInfo.InvariantCulture, $"| {title} | {milliseconds:f0} | {ceiling:f0} |\n");
        text.Append(CultureInfo.InvariantCulture, $"\n## Limits of the machine, in the same run\n\n{limits.Table(rows.Select(row => row.Limit).OfType<Limit>().Except(limits.All))}");
        File.WriteAllText(Path, text.ToString());
        File.WriteAllText(PlotPath, RatioPlot.Draw(rows));
    }

    /// <summary>The load averages of now.</summary>
    public static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..2]);

    private static string Machine()
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor";
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} processors ({model}), {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30} GiB of memory");
    }
}
