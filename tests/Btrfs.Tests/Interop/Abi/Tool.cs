using System.ComponentModel;
using System.Diagnostics;

namespace Btrfs.Tests.Interop.Abi;

/// <summary>Runs a tool of the system; a test whose tool isn't installed is skipped with that reason.</summary>
internal static class Tool
{
    internal static string Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            Assert.Ignore($"{program} is not installed: {exception.Message}");
            throw;
        }

        using (process)
        {
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {errors.Result}");
            return output;
        }
    }
}
