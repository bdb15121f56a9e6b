using System.Diagnostics;

namespace Btrfs.Fidelity.Kernel;

/// <summary>Runs the few programs that have no system call in their place (mkfs.btrfs, btrfs).</summary>
internal static class Tool
{
    /// <summary>Runs a program to its end; throws with its own words if it fails.</summary>
    public static void Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {errors.Result.Trim()}");
    }
}
