using Btrfs.Interop;

namespace Btrfs.Tests.Interop.Abi;

/// <summary>The header, the bindings and the library's exports say the same, in both directions.</summary>
public sealed class AbiTests
{
    [Test]
    public void The_bindings_say_what_the_header_says() =>
        Assert.That(AbiModel.Differences(NativeHeader.Read(NativeHeader.Path), ManagedBindings.Read()), Is.Empty);

    [Test]
    public void The_library_exports_the_functions_of_the_header_and_nothing_else()
    {
        SortedSet<string> exports = Exports();

        Assert.That(exports, Is.EqualTo(NativeHeader.Read(NativeHeader.Path).Functions.Keys.Order(StringComparer.Ordinal)));

        // The canary: a new function shows here, so that nobody adds one without reading this file.
        Assert.That(exports, Has.Count.EqualTo(37));
    }

    [Test]
    public void The_library_needs_nothing_but_libc()
    {
        _ = Exports();
        string[] needed = [.. Tool.Run("objdump", "-p", LibraryPath).Split('\n').Where(static line => line.Contains("NEEDED", StringComparison.Ordinal)).Select(static line => line.Split(' ')[^1])];

        Assert.That(needed, Is.SubsetOf(new[] { "libc.so.6", "ld-linux-x86-64.so.2" }));
    }

    // Each plants one drift in a copy of the header: the comparison must see it, and name the thing.
    [TestCase("uint32_t state, const uint8_t *data, uint64_t length)", "uint32_t state, const uint8_t *data, uint32_t length)", "function btrn_crc32c", TestName = "A narrower parameter is seen")]
    [TestCase("int32_t btrn_fsync(int32_t fd)", "int64_t btrn_fsync(int32_t fd)", "function btrn_fsync", TestName = "Another result type is seen")]
    [TestCase("uint32_t crc_a, uint32_t crc_b", "uint32_t crc_b, uint32_t crc_a", "function btrn_crc32c_combine", TestName = "Two swapped parameters of one type are seen")]
    [TestCase("BTRN_EXPORT int32_t btrn_close(int32_t fd);", "", "function btrn_close is only in the bindings", TestName = "A function that is gone is seen")]
    [TestCase("BTRN_EXPORT int32_t btrn_close(int32_t fd);", "BTRN_EXPORT int32_t btrn_close(int32_t fd);\nint32_t btrn_trim(int32_t fd);", "function btrn_trim is only in the header", TestName = "A function that is new is seen")]
    [TestCase("BTRN_OPEN_DIRECT = 2", "BTRN_OPEN_DIRECT = 4", "enum btrn_open_flags", TestName = "Another value of an enum's member is seen")]
    [TestCase("BTRN_FILE_REGULAR = 1,", "", "enum btrn_file_kind", TestName = "A member that is gone from an enum is seen")]
    [TestCase("uint64_t size_bytes;", "uint32_t size_bytes;", "struct btrn_file_info", TestName = "A narrower field is seen")]
    [TestCase("uint32_t length;\n\tint32_t fd;", "int32_t fd;\n\tuint32_t length;", "struct btrn_read", TestName = "Two swapped fields are seen")]
    [TestCase("int32_t fd;\n}", "int32_t fd;\n\tuint64_t user;\n}", "struct btrn_read", TestName = "A field that is new is seen")]
    public void A_planted_drift_is_seen(string from, string to, string expected)
    {
        string original = File.ReadAllText(NativeHeader.Path);
        Assert.That(original, Does.Contain(from), "the plant must find its place");
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, original.Replace(from, to, StringComparison.Ordinal));
            List<string> differences = AbiModel.Differences(NativeHeader.Read(path), ManagedBindings.Read());

            Assert.That(differences, Has.Some.StartsWith(expected));
            TestContext.Out.WriteLine(string.Join('\n', differences));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void A_fingerprint_of_another_header_would_not_be_taken()
    {
        InteropTest.RequireNative();
        byte[] hash = System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(NativeHeader.Path));

        Assert.That(NativeMethods.btrn_abi_fingerprint(), Is.EqualTo(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash)));
    }

    private static string LibraryPath => Path.Combine(AppContext.BaseDirectory, "libbtrfs_native.so");

    private static SortedSet<string> Exports()
    {
        if (!File.Exists(LibraryPath))
        {
            Assert.Ignore("the native library is not built");
        }

        IEnumerable<string> names = Tool.Run("nm", "-D", "--defined-only", LibraryPath).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ')[^1]);
        return new SortedSet<string>(names, StringComparer.Ordinal);
    }
}
