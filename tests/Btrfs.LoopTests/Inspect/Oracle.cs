using System.Diagnostics;

namespace Btrfs.LoopTests.Inspect;

/// <summary>The installed btrfs-progs, whose dumps ours must equal.</summary>
internal static class Oracle
{
    private const string Version = "btrfs-progs v6.2";

    /// <summary>Skips the test where another version is installed: each words its dumps a little differently.</summary>
    public static void Require()
    {
        string installed = System.Text.Encoding.UTF8.GetString(Run("--version")).Trim();
        if (installed != Version)
            Assert.Ignore($"the dumps are those of {Version}, and {installed} is installed");
    }

    /// <summary>What <c>btrfs inspect-internal</c> prints, in the time zone of <see cref="Dump.Zone"/>.</summary>
    public static byte[] Inspect(params IEnumerable<string> arguments) => Run(["inspect-internal", .. arguments]);

    private static byte[] Run(params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("btrfs", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LC_ALL"] = "C";
        start.Environment["TZ"] = Dump.Zone.Id;
        using Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        using MemoryStream output = new();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        return output.ToArray();
    }
}
