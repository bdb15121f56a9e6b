using System.Globalization;
using System.Runtime.InteropServices;

namespace Btrfs.Interop;

/// <summary>
/// Whether the native library serves this process. Decided once, on first use; everything in this namespace runs on its managed twin
/// where it does not. <c>BTRFS_ENGINE_NATIVE=0</c> forces the twins.
/// </summary>
public static class NativeLibraryStatus
{
    private const string LibraryName = "btrfs_native";

    private static readonly string? s_failure = Load();

    /// <summary>True when calls go to the native library, false when they go to the managed twins.</summary>
    public static bool IsLoaded => s_failure is null;

    /// <summary>Why the twins are in use, or that the library is loaded. One line, for a person.</summary>
    public static string Reason => s_failure ?? "native library loaded";

    private static unsafe string? Load()
    {
        if (Environment.GetEnvironmentVariable("BTRFS_ENGINE_NATIVE") == "0")
        {
            return "switched off by BTRFS_ENGINE_NATIVE=0";
        }

        if (!NativeLibrary.TryLoad(LibraryName, typeof(NativeLibraryStatus).Assembly, null, out nint library))
        {
            return $"lib{LibraryName}.so is not beside the program or does not load";
        }

        if (!NativeLibrary.TryGetExport(library, nameof(NativeMethods.btrn_abi_fingerprint), out nint export))
        {
            return $"lib{LibraryName}.so has no {nameof(NativeMethods.btrn_abi_fingerprint)}";
        }

        ulong fingerprint = ((delegate* unmanaged[Cdecl]<ulong>)export)();
        return fingerprint == NativeFingerprint.Value
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"lib{LibraryName}.so has the interface {fingerprint:x16}, this program was built for {NativeFingerprint.Value:x16}");
    }
}
