using Microsoft.Win32.SafeHandles;

namespace Btrfs.Interop;

/// <summary>Owns a compression context of the native library: one a thread, like <see cref="DecoderHandle"/>.</summary>
internal sealed unsafe class EncoderHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    [ThreadStatic]
    private static EncoderHandle? s_current;

    private EncoderHandle(btrn_encoder* encoder)
        : base(ownsHandle: true)
    {
        SetHandle((nint)encoder);
    }

    /// <summary>This thread's context, safe as a bare pointer for the length of a call.</summary>
    internal static btrn_encoder* Current => (btrn_encoder*)(s_current ??= Create()).handle;

    /// <summary>Whether a native encoder made it, and how long it came out.</summary>
    internal static bool Fits(long result, string format, out int length)
    {
        length = (int)Math.Max(result, 0);
        return result switch
        {
            >= 0 => true,
            -NativeErrors.TooBig => false,
            -NativeErrors.NoMemory => throw new InsufficientMemoryException($"no memory for the {format} encoder"),
            _ => throw new InvalidOperationException($"the {format} encoder failed with errno {-result}"),
        };
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.btrn_encoder_destroy((btrn_encoder*)handle);
        return true;
    }

    private static EncoderHandle Create()
    {
        btrn_encoder* encoder;
        return NativeMethods.btrn_encoder_create(&encoder) < 0
            ? throw new InsufficientMemoryException("no memory for a compression context")
            : new EncoderHandle(encoder);
    }
}
