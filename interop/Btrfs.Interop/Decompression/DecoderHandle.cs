using Microsoft.Win32.SafeHandles;

namespace Btrfs.Interop;

/// <summary>Owns a decompression context of the native library: one a thread, because a context serves one call at a time.</summary>
internal sealed unsafe class DecoderHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    [ThreadStatic]
    private static DecoderHandle? s_current;

    private DecoderHandle(btrn_decoder* decoder)
        : base(ownsHandle: true)
    {
        SetHandle((nint)decoder);
    }

    /// <summary>
    /// This thread's context. Safe as a bare pointer for the length of a call: the thread that uses it keeps its handle alive.
    /// </summary>
    internal static btrn_decoder* Current => (btrn_decoder*)(s_current ??= Create()).handle;

    /// <summary>The bytes that a native decoder produced, or its failure as an exception.</summary>
    internal static int Produced(long result, string format) => result switch
    {
        >= 0 => (int)result,
        -NativeErrors.BadMessage => throw new InvalidDataException($"corrupt {format} stream"),
        -NativeErrors.NoMemory => throw new InsufficientMemoryException($"no memory for the {format} decoder"),
        _ => throw new InvalidOperationException($"the {format} decoder failed with errno {-result}"),
    };

    protected override bool ReleaseHandle()
    {
        NativeMethods.btrn_decoder_destroy((btrn_decoder*)handle);
        return true;
    }

    private static DecoderHandle Create()
    {
        btrn_decoder* decoder;
        return NativeMethods.btrn_decoder_create(&decoder) < 0
            ? throw new InsufficientMemoryException("no memory for a decompression context")
            : new DecoderHandle(decoder);
    }
}
