using Microsoft.Win32.SafeHandles;

namespace Btrfs.Interop;

/// <summary>Owns a ring of the native library.</summary>
internal sealed unsafe class RingHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private RingHandle(btrn_ring* ring)
        : base(ownsHandle: true)
    {
        SetHandle((nint)ring);
    }

    internal static RingHandle Create(int depth, ReadRingMode wish, out ReadRingMode mode)
    {
        btrn_ring* ring;
        btrn_ring_mode wished = wish == ReadRingMode.IoUring ? btrn_ring_mode.BTRN_RING_IO_URING : btrn_ring_mode.BTRN_RING_PREAD;
        int result = NativeMethods.btrn_ring_create((uint)depth, wished, &ring);
        if (result < 0)
        {
            throw NativeErrors.ToException(-result, "create", "io_uring");
        }

        mode = result == (int)btrn_ring_mode.BTRN_RING_IO_URING ? ReadRingMode.IoUring : ReadRingMode.OneByOne;
        return new RingHandle(ring);
    }

    internal void Read(btrn_read* reads, int count)
    {
        bool added = false;
        DangerousAddRef(ref added);
        try
        {
            int result = NativeMethods.btrn_ring_read((btrn_ring*)handle, reads, (uint)count);
            if (result < 0)
            {
                throw NativeErrors.ToException(-result, "wait for", "io_uring");
            }
        }
        finally
        {
            DangerousRelease();
        }
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.btrn_ring_destroy((btrn_ring*)handle);
        return true;
    }
}
