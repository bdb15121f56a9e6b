using System.Diagnostics;
using System.Globalization;
using System.Text;
using Btrfs.Interop;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Benchmarks.Macro;

/// <summary>The limits of the machine, measured in the same run on the same image: nothing that moves the same bytes in the same way can be faster.</summary>
internal sealed class Limits
{
    private const int Rounds = 5;
    private const int WriteBytes = 48 << 10;
    private const int WindowBytes = 480 << 10;
    private const int SectorBytes = 4096;
    private const long Bytes = 1L << 30;

    // Behind the first chunks: data, and nothing but data, in an image that is mostly one file.
    private const long Start = 512L << 20;

    private readonly Dictionary<LimitKind, Limit> _byKind = [];
    private readonly List<Limit> _all = [];
    private readonly string _image;
    private readonly byte[] _buffer = GC.AllocateArray<byte>(1 << 20, pinned: true);

    public Limits(string image)
    {
        _image = image;
        MeasureMemory();
        MeasureReads();
        Add(LimitKind.PipeThatIsRead, "header written, 48 KiB spliced, into a pipe that is read", () => ThroughPipe(SinkKind.Pipe));
        Add(LimitKind.PipeThatIsSpliced, "header written, 48 KiB spliced, into a pipe that is spliced on", () => ThroughPipe(SinkKind.SplicedPipe));
    }

    public IReadOnlyList<Limit> All => _all;

    public Limit? Of(LimitKind kind) => _byKind.GetValueOrDefault(kind);

    private void MeasureMemory()
    {
        byte[] from = new byte[256 << 20];
        byte[] to = new byte[from.Length];
        Array.Fill(from, (byte)1);
        Add(LimitKind.None, "memcpy, from memory to memory", () =>
        {
            for (long done = 0; done < Bytes; done += from.Length)
                from.CopyTo(to, 0);
        });
        uint[] sums = new uint[WriteBytes / SectorBytes];
        Add(LimitKind.None, "crc32c of sectors, 48 KiB in the processor's cache", () =>
        {
            for (long done = 0; done < Bytes; done += WriteBytes)
                Crc32C.HashSectors(_buffer.AsSpan(0, WriteBytes), SectorBytes, sums);
        });
    }

    private void MeasureReads()
    {
        using SafeFileHandle file = File.OpenHandle(_image, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        uint[] sums = new uint[WindowBytes / SectorBytes];
        Read(file, _buffer.Length, sums: null);
        Add(LimitKind.None, "pread of 48 KiB, warm", () => Read(file, WriteBytes, sums: null));
        Add(LimitKind.None, "pread of 1 MiB, warm", () => Read(file, _buffer.Length, sums: null));
        Add(LimitKind.ReadAndSum, "pread of 480 KiB and crc32c of its sectors, warm", () => Read(file, WindowBytes, sums));
    }

    private void Read(SafeFileHandle file, int piece, uint[]? sums)
    {
        for (long done = 0; done < Bytes; done += piece)
        {
            RandomAccess.Read(file, _buffer.AsSpan(0, piece), Start + done);
            if (sums is not null)
                Crc32C.HashSectors(_buffer.AsSpan(0, piece), SectorBytes, sums);
        }
    }

    // The whole of what a send without any file system would do.
    private void ThroughPipe(SinkKind kind)
    {
        using SafeFileHandle file = File.OpenHandle(_image, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using BenchmarkSink sink = BenchmarkSink.Open(kind, "");
        using (FileStream output = sink.OpenWriter())
        {
            for (long done = 0; done < Bytes; done += WriteBytes)
            {
                output.Write(_buffer, 0, 60);
                DrainedPipe.SpliceAll(file, Start + done, sink.Descriptor, WriteBytes);
            }
        }

        sink.Finish();
    }

    private void Add(LimitKind kind, string title, Action work)
    {
        double time = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            work();
            time = Math.Min(time, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        Limit limit = new(title, Bytes / time / 1000);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"limit: {title}: {limit.MegabytesPerSecond:f0} MB/s"));
        _all.Add(limit);
        if (kind != LimitKind.None)
            _byKind[kind] = limit;
    }

    /// <summary>A table of them.</summary>
    /// <param name="more">What was measured beside single rows.</param>
    public string Table(IEnumerable<Limit> more)
    {
        StringBuilder text = new("| limit | MB/s |\n| --- | ---: |\n");
        foreach (Limit limit in _all.Concat(more))
            text.Append(CultureInfo.InvariantCulture, $"| {limit.Title} | {limit.MegabytesPerSecond:f0} |\n");
        return text.ToString();
    }
}
