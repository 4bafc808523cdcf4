/* SPDX-License-Identifier: MIT */
/*
 * The video mode that vid_mode asks for (boot.rst, "Special Command Line
 * Options", vga=): as it is, 80x50, a BIOS mode, or a VESA mode with its frame
 * buffer; and screen_info, from which the kernel's first console comes.
 * "vga=ask" has no menu here: the mode stays as it is.
 */
#include "setup.h"

#define MODE_EXTENDED       0xfffe
#define MODE_BIOS           0x0100
#define MODE_VESA           0x0200
#define MODE_VESA_LAST      0x08ff

#define VESA_OK             0x004f
#define VESA_TEXT_NEEDS     0x0005 /* mode attributes: supported, and the BIOS's text calls work */
#define VESA_GRAPHICS_NEEDS 0x0099 /* supported, colour, graphics, linear frame buffer */
#define VESA_LINEAR         0x4000
#define VESA_MODEL_DIRECT   6

#define VIDEO_IS_VGA        1
#define VIDEO_IS_LFB        0x23

/* VBE's ModeInfoBlock, as far as screen_info asks for it. */
struct vesa_mode {
	uint16_t attributes;
	uint8_t windows[14];
	uint16_t line_len;
	uint16_t width, height;
	uint8_t cell_width, cell_height, planes, depth, banks, model, bank_len, pages, reserved;
	uint8_t red_size, red_pos, green_size, green_pos, blue_size, blue_pos, rsvd_size, rsvd_pos;
	uint8_t direct_info;
	uint32_t frame_buffer;
	uint8_t rest[212];
} __attribute__((packed));
_Static_assert(sizeof(struct vesa_mode) == 256, "ModeInfoBlock");

static struct vesa_mode vesa_mode;

static void set_bios_mode(uint8_t mode)
{
	struct regs regs = { .eax = mode };

	bios(0x10, &regs);
}

/* 50 lines, with the 8x8 font. */
static void set_extended(void)
{
	struct regs regs = { .eax = 0x1112 };

	set_bios_mode(3);
	bios(0x10, &regs);
}

static void take_frame_buffer(void)
{
	struct screen_info *info = &boot_params.screen_info;

	info->orig_video_isVGA = VIDEO_IS_LFB;
	info->lfb_width = vesa_mode.width;
	info->lfb_height = vesa_mode.height;
	info->lfb_depth = vesa_mode.depth;
	info->lfb_linelength = vesa_mode.line_len;
	info->lfb_base = vesa_mode.frame_buffer;
	info->vesa_attributes = vesa_mode.attributes;
	info->red_size = vesa_mode.red_size;
	info->red_pos = vesa_mode.red_pos;
	info->green_size = vesa_mode.green_size;
	info->green_pos = vesa_mode.green_pos;
	info->blue_size = vesa_mode.blue_size;
	info->blue_pos = vesa_mode.blue_pos;
	info->rsvd_size = vesa_mode.rsvd_size;
	info->rsvd_pos = vesa_mode.rsvd_pos;
}

/* The memory behind the frame buffer, in units of 64 KiB, from VBE's own block. */
static void take_frame_buffer_len(void)
{
	static uint8_t block[512];
	struct regs regs = { .eax = 0x4f00, .edi = (uint32_t)(uintptr_t)block };

	bios(0x10, &regs);
	if ((uint16_t)regs.eax == VESA_OK)
		boot_params.screen_info.lfb_size = (uint16_t)(block[18] | block[19] << 8);
}

/* True: the screen is graphics now. What the card does not have leaves the mode as it is. */
static bool set_vesa(uint16_t mode)
{
	struct regs regs = { .eax = 0x4f01, .ecx = mode, .edi = (uint32_t)(uintptr_t)&vesa_mode };
	bool graphics;

	bios(0x10, &regs);
	if ((uint16_t)regs.eax != VESA_OK)
		return false;
	graphics = (vesa_mode.attributes & VESA_GRAPHICS_NEEDS) == VESA_GRAPHICS_NEEDS;
	if (!graphics && (vesa_mode.attributes & VESA_TEXT_NEEDS) != VESA_TEXT_NEEDS)
		return false;
	regs = (struct regs){ .eax = 0x4f02, .ebx = graphics ? mode | VESA_LINEAR : mode };
	bios(0x10, &regs);
	if ((uint16_t)regs.eax != VESA_OK || !graphics)
		return false;
	take_frame_buffer_len();
	take_frame_buffer();
	return true;
}

static bool set_mode(uint16_t mode)
{
	if (mode == MODE_EXTENDED)
		set_extended();
	else if (mode >= MODE_BIOS && mode < MODE_VESA)
		set_bios_mode((uint8_t)mode);
	else if (mode >= MODE_VESA && mode <= MODE_VESA_LAST)
		return set_vesa((uint16_t)(mode - MODE_BIOS));
	return false;
}

/* Of a text mode; the BIOS keeps its columns, lines and font in its data area. */
static void take_text_mode(void)
{
	struct screen_info *info = &boot_params.screen_info;
	struct regs regs = { .eax = 0x0f00 };

	bios(0x10, &regs);
	info->orig_video_mode = (uint8_t)(regs.eax & 0x7f);
	info->orig_video_page = (uint8_t)(regs.ebx >> 8);
	info->orig_video_cols = (uint8_t)(regs.eax >> 8);
	set_fs(0x40);
	info->orig_video_lines = (uint8_t)(fs_byte(0x84) + 1);
	info->orig_video_points = fs_word(0x85);
	regs = (struct regs){ .eax = 0x0300, .ebx = (uint32_t)info->orig_video_page << 8 };
	bios(0x10, &regs);
	info->orig_x = (uint8_t)regs.edx;
	info->orig_y = (uint8_t)(regs.edx >> 8);
	info->orig_video_isVGA = VIDEO_IS_VGA;
}

static bool has_vga(void)
{
	struct regs regs = { .eax = 0x1a00 };

	bios(0x10, &regs);
	return (uint8_t)regs.eax == 0x1a;
}

void set_video(void)
{
	if (!has_vga())
		return;
	if (!set_mode(hdr.vid_mode))
		take_text_mode();
}
