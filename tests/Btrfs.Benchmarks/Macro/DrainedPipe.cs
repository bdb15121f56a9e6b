using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Benchmarks.Macro;

/// <summary>A pipe of 1 MiB whose other end a thread reads dry: the sink of both sides, so that both pay for the same copies.</summary>
internal sealed partial class DrainedPipe : IDisposable
{
    private const int PipeBytes = 1 << 20;
    private const int SetPipeSize = 1031;

    private readonly Thread _reader;
    private readonly SafeFileHandle _readEnd;
    private readonly SafeFileHandle _writeEnd;

    public DrainedPipe()
    {
        int[] ends = new int[2];
        if (Pipe(ends) != 0)
            throw new IOException("no pipe to be had");

        _readEnd = new SafeFileHandle(ends[0], ownsHandle: true);
        _writeEnd = new SafeFileHandle(ends[1], ownsHandle: true);
        if (Fcntl(ends[1], SetPipeSize, PipeBytes) < 0)
            throw new IOException("the pipe can't be enlarged");
        _reader = new Thread(Drain) { IsBackground = true };
        _reader.Start();
    }

    public long BytesRead { get; private set; }

    public int Descriptor => (int)_writeEnd.DangerousGetHandle();

    public FileStream OpenWriter() => new(new SafeFileHandle(_writeEnd.DangerousGetHandle(), ownsHandle: false), FileAccess.Write, bufferSize: 0);

    /// <summary>Closes the writing end and waits until everything was read.</summary>
    public void Finish()
    {
        _writeEnd.Dispose();
        _reader.Join();
    }

    public void Dispose()
    {
        _writeEnd.Dispose();
        _readEnd.Dispose();
    }

    private void Drain()
    {
        byte[] buffer = new byte[PipeBytes];
        using FileStream readEnd = new(new SafeFileHandle(_readEnd.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, bufferSize: 0);
        int read;
        while ((read = readEnd.Read(buffer)) > 0)
            BytesRead += read;
    }

    [LibraryImport("libc", EntryPoint = "pipe")]
    private static partial int Pipe([Out] int[] ends);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Fcntl(int descriptor, int command, int argument);
}
