using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Format;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Cli.Commands.Files;

/// <summary>Finds the next run of bytes from a place on that is no hole; false where none is left.</summary>
internal delegate bool DataFinder(long offset, out long start, out long end);

/// <summary>Copies the content of files to the host, holes as holes. What fails half way is not left there.</summary>
internal sealed class SparseCopy(CopyReport report, CancellationToken stopped)
{
    private const int BufferSize = 1 << 20;

    private readonly byte[] _buffer = new byte[BufferSize];

    /// <param name="directory">Where the file is made.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="content">Seekable.</param>
    /// <param name="findData">Tells the runs of <paramref name="content"/>.</param>
    /// <param name="at">Of the file, for reports and errors.</param>
    public void Copy(HostDirectory directory, ReadOnlySpan<byte> name, System.IO.Stream content, DataFinder findData, PathText at)
    {
        using SafeFileHandle file = directory.MakeFile(name);
        try
        {
            RandomAccess.SetLength(file, content.Length);
            for (long offset = 0; findData(offset, out long start, out long end); offset = end)
                CopyRange(content, file, start, end, at);
        }
        catch (Exception error)
        {
            directory.RemoveFile(name);
            if (error is ChecksumException)
                throw new BtrfsException($"'{at}': {error.Message}", error);
            throw;
        }
    }

    private void CopyRange(System.IO.Stream content, SafeFileHandle file, long start, long end, PathText at)
    {
        content.Position = start;
        while (content.Position < end)
        {
            stopped.ThrowIfCancellationRequested();
            long position = content.Position;
            int length = content.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, end - position)));
            RandomAccess.Write(file, _buffer.AsSpan(0, length), position);
            report.Copied(length, at);
        }
    }
}
