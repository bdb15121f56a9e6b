using System.Diagnostics;
using System.Globalization;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Benchmarks.Macro;

/// <summary>dd, reading what a send of one large file reads from the disk, with each of several block sizes: in turns with the send, since the disk's speed changes by the minute.</summary>
/// <param name="image">Mostly one file.</param>
internal sealed class ColdReads(string image)
{
    // Where Linux puts the file's data in an image of this workload.
    private const long Start = 550L << 20;
    private const long Bytes = 2L << 30;

    private readonly List<(string Block, string Flags, List<double> Milliseconds)> _sizes =
    [
        ("128K", "", []), ("1M", "", []), ("4M", "", []), ("16M", "", []), ("4M", "direct,", []),
    ];

    /// <summary>By the median of the best block size.</summary>
    public Limit Best
    {
        get
        {
            (string block, string flags, List<double> milliseconds) = _sizes.MinBy(size => MacroRun.Median(size.Milliseconds));
            return new Limit($"dd of the same bytes in turns, cold; best with bs={block}{(flags.Length > 0 ? " past the page cache" : "")}", Bytes / MacroRun.Median(milliseconds) / 1000);
        }
    }

    /// <summary>Reads once with each size. Who comes first after a send is slower, so each does in its turn.</summary>
    public void Measure(int round)
    {
        for (int i = 0; i < _sizes.Count; i++)
        {
            (string block, string flags, List<double> milliseconds) = _sizes[(i + round) % _sizes.Count];
            ImageCache.Drop(image);
            long start = Stopwatch.GetTimestamp();
            Tool.Run("dd", $"if={image}", "of=/dev/null", $"bs={block}", $"skip={Start}", $"count={Bytes}", $"iflag={flags}skip_bytes,count_bytes", "status=none");
            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"dd: {string.Join(", ", _sizes.Select(size => $"{size.Flags}{size.Block} {size.Milliseconds[^1]:f0} ms"))}"));
    }
}
