using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Benchmarks.Macro;

/// <summary>A pipe of 1 MiB whose other end a thread empties: the sink of both sides, so that both pay for the same copies.</summary>
internal sealed partial class DrainedPipe : BenchmarkSink
{
    private const int PipeBytes = 1 << 20;
    private const int SetPipeSize = 1031;

    private readonly Thread _reader;
    private readonly SafeFileHandle _readEnd;
    private readonly SafeFileHandle _writeEnd;
    private long _bytes;

    public DrainedPipe(bool splices)
    {
        int[] ends = new int[2];
        if (Pipe(ends) != 0)
            throw new IOException("no pipe to be had");

        _readEnd = new SafeFileHandle(ends[0], ownsHandle: true);
        _writeEnd = new SafeFileHandle(ends[1], ownsHandle: true);
        if (Fcntl(ends[1], SetPipeSize, PipeBytes) < 0)
            throw new IOException("the pipe can't be enlarged");
        _reader = new Thread(splices ? SpliceAway : Drain) { IsBackground = true };
        _reader.Start();
    }

    public override long Bytes => _bytes;

    protected override SafeFileHandle Handle => _writeEnd;

    /// <summary>Closes the writing end and waits until everything was read.</summary>
    public override void Finish()
    {
        _writeEnd.Dispose();
        _reader.Join();
    }

    public override void Dispose()
    {
        _writeEnd.Dispose();
        _readEnd.Dispose();
    }

    /// <summary>Splices a piece of a file into a pipe.</summary>
    public static void SpliceAll(SafeFileHandle file, long offset, int pipe, int length)
    {
        while (length > 0)
        {
            nint moved = SpliceFile((int)file.DangerousGetHandle(), ref offset, pipe, 0, length, 0);
            if (moved <= 0)
                throw new IOException("the file can't be spliced");
            length -= (int)moved;
        }
    }

    private void Drain()
    {
        byte[] buffer = new byte[PipeBytes];
        using FileStream readEnd = new(new SafeFileHandle(_readEnd.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, bufferSize: 0);
        int read;
        while ((read = readEnd.Read(buffer)) > 0)
            _bytes += read;
    }

    private void SpliceAway()
    {
        using SafeFileHandle nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        nint moved;
        while ((moved = Splice((int)_readEnd.DangerousGetHandle(), 0, (int)nothing.DangerousGetHandle(), 0, PipeBytes, 0)) > 0)
            _bytes += moved;
    }

    [LibraryImport("libc", EntryPoint = "splice")]
    private static partial nint Splice(int from, nint fromOffset, int to, nint toOffset, nint length, uint flags);

    [LibraryImport("libc", EntryPoint = "splice")]
    private static partial nint SpliceFile(int from, ref long fromOffset, int to, nint toOffset, nint length, uint flags);

    [LibraryImport("libc", EntryPoint = "pipe")]
    private static partial int Pipe([Out] int[] ends);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Fcntl(int descriptor, int command, int argument);
}
