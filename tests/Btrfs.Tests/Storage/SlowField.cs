namespace Btrfs.Tests.Storage;

/// <summary>GF(2^8) over 0x11d by shifting and reducing, bit by bit: the other half of a differential test.</summary>
internal static class SlowField
{
    public static byte Multiply(byte left, byte right)
    {
        int product = 0;
        for (int bit = 0; bit < 8; bit++)
        {
            if ((right >> bit & 1) != 0)
                product ^= left << bit;
        }

        for (int bit = 15; bit >= 8; bit--)
        {
            if ((product >> bit & 1) != 0)
                product ^= 0x11d << (bit - 8);
        }

        return (byte)product;
    }

    public static byte Power(byte value, int exponent)
    {
        byte power = 1;
        for (int i = 0; i < exponent; i++)
            power = Multiply(power, value);

        return power;
    }
}
