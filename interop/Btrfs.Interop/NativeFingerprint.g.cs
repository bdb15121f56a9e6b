namespace Btrfs.Interop; internal static class NativeFingerprint { internal const ulong Value = 0xFE063B26D6109FE0UL; }
