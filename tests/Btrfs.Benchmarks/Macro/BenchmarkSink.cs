using Microsoft.Win32.SafeHandles;

namespace Btrfs.Benchmarks.Macro;

/// <summary>Where a measured stream goes; the kernel and we get a descriptor of the same kind.</summary>
internal abstract class BenchmarkSink : IDisposable
{
    /// <summary>What the sink is written through.</summary>
    protected abstract SafeFileHandle Handle { get; }

    /// <summary>Bytes that arrived, once finished; 0 where nobody counts them.</summary>
    public abstract long Bytes { get; }

    public int Descriptor => (int)Handle.DangerousGetHandle();

    public static BenchmarkSink Open(SinkKind kind, string directory) => kind switch
    {
        SinkKind.Pipe => new DrainedPipe(splices: false),
        SinkKind.SplicedPipe => new DrainedPipe(splices: true),
        SinkKind.Nothing => new FileSink("/dev/null"),
        _ => new FileSink(Path.Combine(directory, "stream")),
    };

    public FileStream OpenWriter() => new(new SafeFileHandle(Handle.DangerousGetHandle(), ownsHandle: false), FileAccess.Write, bufferSize: 0);

    /// <summary>Returns when everything written has arrived.</summary>
    public abstract void Finish();

    public abstract void Dispose();
}

/// <summary>The kinds of sinks that the table has.</summary>
internal enum SinkKind
{
    /// <summary>A pipe of 1 MiB that a thread reads into memory.</summary>
    Pipe,

    /// <summary>The same, but the thread splices it to /dev/null and touches no byte.</summary>
    SplicedPipe,

    /// <summary>/dev/null.</summary>
    Nothing,

    /// <summary>A file on the disk that the image is on, in the page cache.</summary>
    File,
}
