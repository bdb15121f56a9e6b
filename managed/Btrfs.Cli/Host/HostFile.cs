using System.Runtime.InteropServices;
using Btrfs.Inode.Import;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Cli.Host;

/// <summary>An open file of the host that is copied into an image.</summary>
internal sealed unsafe class HostFile(int descriptor, HostStatus status, string path) : ImportContent
{
    private const int NoSuchAddress = 6;

    private readonly SafeFileHandle _handle = new(descriptor, ownsHandle: true);

    public override ulong Size => status.Size;

    public override int Read(ulong offset, Span<byte> destination)
    {
        nint read;
        fixed (byte* start = destination)
            read = HostCalls.ReadAt(descriptor, start, destination.Length, (long)offset);
        return read >= 0 ? (int)read : throw new IOException($"cannot read '{path}': {HostCalls.LastReason()}");
    }

    public override bool TryFindData(ulong offset, out ulong begin, out ulong end)
    {
        begin = offset;
        end = Size;
        if (offset >= Size)
            return false;
        if (!status.MayHaveHoles)
            return true;

        long data = HostCalls.Seek(descriptor, (long)offset, HostCalls.SeekData);
        if (data < 0)
        {
            // A file system that can't tell has data everywhere.
            return Marshal.GetLastPInvokeError() != NoSuchAddress;
        }

        long hole = HostCalls.Seek(descriptor, data, HostCalls.SeekHole);
        begin = (ulong)data;
        end = hole < 0 ? Size : Math.Min((ulong)hole, Size);
        return begin < Size;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _handle.Dispose();
        base.Dispose(disposing);
    }
}
